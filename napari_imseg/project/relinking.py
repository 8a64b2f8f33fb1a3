"""Find image files again that were moved, renamed or changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_imseg.project import images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.fingerprints import fingerprint, fingerprint_size, modified_ns
from napari_imseg.project.records import FileRecord, ImageRecord
from napari_imseg.project.scanning import find_images
from napari_imseg.project.sources import Sources, relative


def relink(home: Path, catalog: Catalog, sources: Sources, folder: Path, warnings: list[str]) -> int:
    """Look for missing and changed files under ``folder``; see `Project.relink`.

    Parameters
    ----------
    home
        Where the paths of the catalog begin.
    """
    known = catalog.files()
    lost = [record for record in known if not sources.intact(record)]
    taken = {record.path for record in known} - {record.path for record in lost}
    here = (path for path, _ in find_images([folder], [], warnings))
    search = _Search(catalog, (path for path in here if relative(path, home) not in taken))
    found: dict[str, FileRecord] = {}
    for record in lost:
        fitting = [path for path in search.candidates(record) if relative(path, home) not in taken]
        if fitting:
            path = fitting[0]
            found[record.path] = FileRecord(relative(path, home), fingerprint(path), modified_ns(path))
            taken.add(found[record.path].path)
    catalog.replace_files(found)
    return len(found)


class _Search:
    """Files by size and by name."""

    def __init__(self, catalog: Catalog, paths: Iterable[Path]) -> None:
        self._catalog = catalog
        self._by_size: dict[str, list[Path]] = defaultdict(list)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            self._by_size[fingerprint_size(path)].append(path)
            self._by_name[path.name].append(path)

    def candidates(self, record: FileRecord) -> list[Path]:
        """Copies of a file, the one that was not renamed first; without any, its namesakes."""
        name = Path(record.path).name
        size = record.fingerprint.partition("-")[0]
        copies = [path for path in self._by_size[size] if fingerprint(path) == record.fingerprint]
        if copies:
            return sorted(copies, key=lambda path: (path.name != name, path))
        wanted = self._catalog.images_of(record.path)
        return [path for path in self._by_name[name] if _fits(wanted, path)]


def _fits(wanted: Sequence[ImageRecord], path: Path) -> bool:
    """True if the file has all these images, with the same shapes."""
    try:
        layout = images.contents(path).layout
        if any(record.shape[0] == 1 for record in wanted) and images.is_grey(path):
            layout = layout.seen_as(1)
    except ProjectError:
        return False  # what cannot be read replaces nothing
    return all(
        record.shape[0] == layout.channels
        and (record.plane is None) == (layout.planes == 1)
        and (record.plane or 0) < layout.planes
        and _inside(record, layout.height, layout.width)
        for record in wanted
    )


def _inside(record: ImageRecord, height: int, width: int) -> bool:
    if record.tile is None:
        return record.shape[1:] == (height, width)
    y, x, rows, columns = record.tile
    return y + rows <= height and x + columns <= width
