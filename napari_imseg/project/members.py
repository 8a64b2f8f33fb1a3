"""Masks of other tools: a folder for each tool, in it a file for each image that the tool has seen."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project import label_values
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.foreign_labels import as_label
from napari_imseg.project.importing import Converted, convert, staging_in
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.masks import read_mask_and_page, write_mask
from napari_imseg.project.paths import Paths
from napari_imseg.project.progress import Progress, silent

REMEDY: Final = "import the masks again and start a new run; or delete the file, to do without this image"


@dataclass(frozen=True)
class Imported:
    """Masks that were taken over.

    Attributes
    ----------
    count
        Images that have a mask now.
    replaced
        How many of them had another one before.
    remarks
        Sentences about what a person might not expect.
    """

    count: int
    replaced: int
    remarks: list[str]


class Members:
    """Masks of other tools in a project; training never writes them.

    Every method that finds something amiss raises `ProjectError` with one sentence, and leaves
    everything as it was. A tool is known by the name that was chosen for it: letters, digits, ``.``,
    ``-`` and ``_``.
    """

    def __init__(self, paths: Paths, info: ProjectInfo, catalog: Catalog) -> None:
        self._paths = paths
        self._info = info
        self._catalog = catalog

    def counts(self) -> dict[str, int]:
        """Number of masks by the name of the tool, sorted by name; looks into the folders."""
        folders = sorted(self._paths.members.glob("[!.]*/"))
        counted = {folder.name: sum(1 for _ in folder.glob("*.tif")) for folder in folders}
        return {name: count for name, count in counted.items() if count}

    def path(self, name: str, image_id: str) -> Path:
        """The file of a mask, whether it exists or not."""
        return self._paths.member_mask(name, image_id)

    def import_folder(self, name: str, folder: Path | str, *, progress: Progress = silent) -> Imported:
        """Take over label files that belong to images of the project, all of them or none.

        A file belongs to the image of the same name, see `napari_imseg.project.label_names`. An image
        that has a mask of this tool gets the new one.
        """
        target, folder = self._paths.member(name), Path(folder)
        with staging_in(self._paths.members) as staging:
            done = convert(self._paths.folder, self._info, self._catalog, folder, staging, (), progress)
            self._check(done, folder)
            replaced = sum((target / f"{image_id}.tif").exists() for image_id in done.states)
            self._move(list(done.states), staging, target)
        return Imported(len(done.states), replaced, done.sentences())

    def write(self, name: str, image_id: str, mask: NDArray[Any], what: str = "the mask") -> list[str]:
        """Keep what another tool says of one image; returns remarks as in `Imported`.

        Parameters
        ----------
        mask
            (H, W) of class or instance ids; (C, H, W) of 0 and 1 for ``multilabel``.
        what
            What to call it in a message.
        """
        path, record = self.path(name, image_id), self._catalog.image(image_id)
        ids, remark = as_label(np.asarray(mask), record, self._info, what)
        if (ids == UNLABELED).any():
            raise ProjectError(f"{what}: {_INCOMPLETE}")
        write_mask(path, ids, description={"task": self._info.task.value, "image": image_id})
        return [remark] if remark else []

    def read(self, path: Path, image_id: str) -> NDArray[np.int32]:
        """A mask that `write` or `import_folder` wrote, from its place here or from a copy of it.

        Returns
        -------
        numpy.ndarray
            int32 (H, W) of class or instance ids; (C, H, W) of 0 and 1 for ``multilabel``.
        """
        mask, _ = read_mask_and_page(path, extra_page=False, remedy=REMEDY)
        shape = self._catalog.image(image_id).shape
        try:
            return label_values.checked(mask, self._info, shape, f"'{path}'")
        except ProjectError as error:
            raise ProjectError(f"{error}; {REMEDY}") from None

    def remove(self, name: str) -> None:
        """Delete the masks of a tool."""
        folder = self._paths.member(name)
        if name not in self.counts():
            raise ProjectError(unknown_member(name, self.counts()))
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise ProjectError(
                f"'{folder}' could not be deleted ({reason(error)}); make the folder writable"
            ) from error

    def _check(self, done: Converted, folder: Path) -> None:
        incomplete = [image_id for image_id, state in done.states.items() if state == "partial"]
        if incomplete:
            raise ProjectError(f"the mask of '{incomplete[0]}' in '{folder}': {_INCOMPLETE}")
        if self._info.problem.binary and not done.background:
            raise ProjectError(
                f"no mask in '{folder}' has any background (0): everything would be "
                f"'{self._info.classes[0].name}'; ilastik counts its classes from 1, so export masks that "
                "have 0 where nothing is"
            )

    def _move(self, image_ids: list[str], staging: Path, target: Path) -> None:
        try:
            if not target.exists():
                os.replace(staging, target)
                return
            for image_id in image_ids:
                os.replace(staging / f"{image_id}.tif", target / f"{image_id}.tif")
        except OSError as error:
            raise ProjectError(
                f"masks could not be written into '{target}' ({reason(error)}); free some space or make "
                "the folder writable"
            ) from error


_INCOMPLETE: Final = "some pixels are unlabeled, but a tool has to say something of every pixel; complete it"


def unknown_member(name: str, known: dict[str, int]) -> str:
    """The sentence about a name that no masks have."""
    listed = ", ".join(known) or "none"
    return (
        f"this project has no masks of another tool called '{name}'; it has: {listed}; import them with: "
        "napari-imseg members PROJECT --add NAME --masks DIR"
    )
