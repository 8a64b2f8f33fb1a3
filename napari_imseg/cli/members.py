"""``napari-imseg members``: masks of other tools that can take part in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_imseg.cli.failures import UsageMistake

if TYPE_CHECKING:
    from napari_imseg.project.members import Imported
    from napari_imseg.project.project import Project


def members(
    project: Annotated[Path, typer.Argument(help="Folder of the project.", metavar="PROJECT")],
    add: Annotated[
        str | None, typer.Option(metavar="NAME", help="Import masks under this name, such as cellpose.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the masks, with the names of their images.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option(metavar="NAME", help="Delete the masks of this name from the project.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List masks of other tools, import some, or remove them; --set foreign=NAME lets them join a run."""
    from napari_imseg.cli.terminal import print_json, print_table
    from napari_imseg.project.project import Project

    if (add is None) != (masks is None):
        raise UsageMistake("--add NAME and --masks DIR go together: the name, and the folder of the masks")
    with Project.open(project) as opened:
        if remove is not None:
            opened.members.remove(remove)
        if add is not None and masks is not None:
            _tell(add, _import(opened, add, masks))
        counts, total = opened.members.counts(), opened.catalog.count()
    if json_:
        print_json(counts)
    elif counts:
        print_table(("name", "masks", "images"), [(name, str(n), str(total)) for name, n in counts.items()])
    else:
        typer.echo(f"no masks of other tools in {project}; import some with: --add NAME --masks DIR")


def _import(project: Project, name: str, folder: Path) -> Imported:
    from napari_imseg.cli.terminal import messages, progress_bars

    with progress_bars(messages()) as bars:
        task = bars.add_task(name, remark="")

        def draw(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total)

        return project.members.import_folder(name, folder, progress=draw)


def _tell(name: str, imported: Imported) -> None:
    from napari_imseg.cli.terminal import messages, warn

    for remark in imported.remarks:
        warn(remark)
    told = f"{name}: {imported.count} masks imported, {imported.replaced} of them replace others"
    messages().print(told, soft_wrap=True)
