"""How label files are called: like their image, perhaps with an ending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.paths import without_hash

TIFF_SUFFIXES: Final = frozenset({".tif", ".tiff"})
PICTURE_SUFFIXES: Final = frozenset({".png", ".bmp"})
"""Not JPEG, which changes ids."""

ENDINGS: Final = (
    *("", "_cp_masks", "_seg_masks", "_segmentation", "_labels", "_label", "_masks", "_mask", "_gt", "_seg"),
    *("-labels", "-label", "-masks", "-mask", "_Simple Segmentation", "_Object-Identities", "_instances"),
)
"""What programs (Cellpose, StarDist, ilastik, ours, ...) append to the name of the image."""


def find_labels(folder: Path) -> dict[str, list[Path]]:
    """Label files under a folder by their stems.

    Raises
    ------
    ProjectError
        There is no such folder, or no label file in it.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise ProjectError(f"'{folder}' is not a folder; give the folder that holds the label files")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in TIFF_SUFFIXES | PICTURE_SUFFIXES and not hidden and path.is_file():
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise ProjectError(f"'{folder}' holds no label files; expected TIFF, PNG or BMP")
    return found


class LabelFiles:
    """Which label file belongs to which image.

    It has the image's name or stem, or that with one of `ENDINGS`. Where several images are called like a
    file, it belongs to those whose folders are called like its own.

    Parameters
    ----------
    labels
        By stem, see `find_labels`.
    images
        All files of images, or planes and tiles of them: path, and place in the file as
        `napari_imseg.project.paths.place_in_file` writes it.
    """

    def __init__(self, labels: Mapping[str, Sequence[Path]], images: Iterable[tuple[PurePath, str]]) -> None:
        self._by_base: dict[str, list[Sequence[Path]]] = {}
        for ending in ENDINGS:
            for stem, found in labels.items():
                if stem.endswith(ending):
                    self._by_base.setdefault(stem.removesuffix(ending), []).append(found)
        self._most_shared: dict[Path, int] = {}
        for image, place in images:
            for path in (path for found in self._called(image, place) for path in found):
                shared = _shared_folders(image, path)
                self._most_shared[path] = max(shared, self._most_shared.get(path, 0))

    def of(self, image: PurePath, place: str = "") -> Path | None:
        """The label file of an image; `ProjectError` if there are several."""
        for found in self._called(image, place):
            own = [path for path in found if _shared_folders(image, path) == self._most_shared[path]]
            if own:
                return _only(image, own)
        return None

    def _called(self, image: PurePath, place: str) -> Iterator[Sequence[Path]]:
        """Files that are called like an image, the likeliest first."""
        for base in dict.fromkeys((image.name + place, image.stem + place)):
            yield from self._by_base.get(base, [])


def labels_by_id(images: Mapping[str, PurePath], labels: Mapping[str, Sequence[Path]]) -> dict[str, Path]:
    """Label files that are called by the id of their image, as those in a project and our first exports.

    The end of an id is another one in each project: a file of another project counts if, without it, no other
    image and no other file is called so.

    Parameters
    ----------
    images
        Paths of the images by their ids.
    """
    named = {stem: name for stem in labels if (name := without_hash(stem)) is not None}
    ours = {image_id: without_hash(image_id) for image_id in images}
    files, owners = Counter(named.values()), Counter(ours.values())
    alone = {name: stem for stem, name in named.items() if files[name] == owners[name] == 1}
    found = {}
    for image_id, name in ours.items():
        stem = image_id if image_id in named else alone.get(name or "")
        if stem is not None:
            found[image_id] = _only(images[image_id], labels[stem])
    return found


def is_label_of_another(stem: str, stems: Collection[str]) -> bool:
    """True if another file of the folder is called like this one without one of `ENDINGS`."""
    return any(ending and stem.removesuffix(ending) in stems for ending in ENDINGS if stem.endswith(ending))


def _only(image: PurePath, candidates: Sequence[Path]) -> Path:
    """The one whose folders are called like the image's; `ProjectError` if there are several."""
    most = max(_shared_folders(image, path) for path in candidates)
    nearest = [path for path in candidates if _shared_folders(image, path) == most]
    if len(nearest) > 1:
        names = " and ".join(f"'{path}'" for path in nearest[:2])
        raise ProjectError(
            f"expected one label file for the image '{image}', got {names}; remove one, or give the folder "
            "of one of them"
        )
    return nearest[0]


def _shared_folders(one: PurePath, other: PurePath) -> int:
    """How many of the folders that two files lie in have the same names, counted from the files."""
    count = 0
    for mine, theirs in zip(one.parent.parts[::-1], other.parent.parts[::-1], strict=False):
        if mine != theirs:
            break
        count += 1
    return count
