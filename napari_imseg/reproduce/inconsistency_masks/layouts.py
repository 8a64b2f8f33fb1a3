"""The four data sets of the Inconsistency Masks paper, read from the folders in which they are published.

Sizes, crops and classes follow METHODS 1.1; where paper and code differ, the reading it recommends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.cells import centres, circles
from napari_imseg.core.problem import Task
from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.dataset import DataSet, Pair, Pool, Source
from napari_imseg.reproduce.pictures import bilinear, colour, grey, nearest, size

SIDE: Final = 256

ISIC_FOLDERS: Final[dict[Pool, tuple[tuple[str, str], ...]]] = {
    "train": (
        ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"),
        ("train/Images", "train/GT"),
    ),
    "validation": (
        ("ISIC2018_Task1-2_Validation_Input", "ISIC2018_Task1_Validation_GroundTruth"),
        ("val/Images", "val/GT"),
    ),
    "test": (
        ("ISIC2018_Task1-2_Test_Input", "ISIC2018_Task1_Test_GroundTruth"),
        ("test/Images", "test/GT"),
    ),
}
"""As the archives unpack, and as the released code wants them moved."""

HELA_FOLDERS: Final[dict[Pool, tuple[str, ...]]] = {
    "train": ("train_full", "train"),
    "validation": ("val",),
    "test": ("test",),
}
HELA_POSITIONS: Final = ("mod_position", "position", "pos")
"""Circles of the right size, or marks on which they are drawn."""
HELA_THRESHOLD: Final = 10
HELA_STEP: Final = 0.4
"""Crops overlap by 60 %."""

SUIM_COLORS: Final = {
    "divers": (0, 0, 255),
    "plants": (0, 255, 0),
    "wrecks": (0, 255, 255),
    "robots": (255, 0, 0),
    "reefs": (255, 0, 255),
    "fish": (255, 255, 0),
    "sea-floor": (255, 255, 255),
}
"""Black is water, the background."""
SUIM_CROPS: Final = 2

CITYSCAPES_SIZE: Final = (208, 416)
CITYSCAPES_CLASSES: Final = (
    "ego-vehicle", "rectification-border", "out-of-roi", "static", "dynamic", "ground", "road", "sidewalk",
    "parking", "rail-track", "building", "wall", "fence", "guard-rail", "bridge", "tunnel", "pole",
    "polegroup", "traffic-light", "traffic-sign", "vegetation", "terrain", "sky", "person", "rider", "car",
    "truck", "bus", "caravan", "trailer", "train", "motorcycle", "bicycle",
)  # fmt: skip
"""Ids 1 to 33; 0 is unlabeled, which stays a class of its own here (IM-13)."""


def read_published(folder: Path) -> DataSet | None:
    """One of the four data sets, if the folder (or ``original_data`` in it) is laid out like one.

    Raises
    ------
    ProjectError
        It begins like one of them, but a folder or a label is missing.
    """
    inner = folder / "original_data"
    root = inner if inner.is_dir() else folder
    for read in (_isic, _hela, _suim, _cityscapes):
        found = read(root)
        if found is not None:
            return found
    return None


def _isic(root: Path) -> DataSet | None:
    pairs = {pool: _existing(root, folders) for pool, folders in ISIC_FOLDERS.items()}
    if not any(pairs.values()):
        return None
    sources: list[Source] = []
    for pool, found in pairs.items():
        if found is None:
            inputs, truths = ISIC_FOLDERS[pool][0]
            raise ProjectError(f"'{root}' looks like ISIC 2018 but lacks '{inputs}' and '{truths}'; add them")
        for path in _files(root / found[0], ".jpg", ".png"):
            label = _beside(root / found[1] / f"{path.stem}_segmentation.png")
            sources.append(Source(path.stem, path.stem, pool, _Resized(path, label)))
    return DataSet("isic", "ISIC 2018", Task.SEMANTIC, ("lesion",), ("iou", "dice"), tuple(sources), "range")


def _hela(root: Path) -> DataSet | None:
    if not any((root / name / "brightfield").is_dir() for names in HELA_FOLDERS.values() for name in names):
        return None
    sources: list[Source] = []
    for pool, names in HELA_FOLDERS.items():
        part = next((root / name for name in names if (root / name / "brightfield").is_dir()), None)
        if part is None:
            raise ProjectError(f"'{root}' looks like HeLa but lacks '{names[0]}/brightfield'; add it")
        for path in _files(part / "brightfield", ".png", ".tif", ".jpg", ".bmp"):
            marks = [part / name / f"{path.stem}.png" for name in HELA_POSITIONS]
            position = _beside(next((mark for mark in marks if mark.exists()), marks[0]))
            masks = [_beside(part / name / f"{path.stem}.png") for name in ("alive", "dead")]
            sources += _hela_crops(path, (*masks, position), pool)
    classes = ("alive", "dead", "position")
    return DataSet("hela", "HeLa", Task.MULTILABEL, classes, ("miou_ad", "mcce"), tuple(sources), "range")


def _hela_crops(path: Path, masks: tuple[Path, ...], pool: Pool) -> Iterator[Source]:
    """Crops by the grid of the released code; those of training images count as images (METHODS 1.1)."""
    width, height = size(path)
    if min(width, height) < SIDE:
        raise ProjectError(f"expected '{path}' to be at least {SIDE} x {SIDE}, got {height} x {width}")
    place = 0
    for left in _starts(width):
        for top in _starts(height):
            name = f"{path.stem}_{place}"
            yield Source(name, name, pool, _HelaCrop(path, masks, top, left))
            place += 1


def _starts(length: int) -> list[int]:
    if length == SIDE:
        return [0]
    count = round(length / (SIDE * HELA_STEP))
    return [min(int(number * length / count), length - SIDE) for number in range(count)]


def _suim(root: Path) -> DataSet | None:
    if not (root / "train_val" / "images").is_dir():
        return None
    sources: list[Source] = []
    parts: tuple[tuple[str, Pool], ...] = (("train_val", "train or validation"), ("TEST", "test"))
    for part, pool in parts:
        if not (root / part / "images").is_dir():
            raise ProjectError(f"'{root}' looks like SUIM but lacks '{part}/images'; add it")
        for path in _files(root / part / "images", ".jpg"):
            label = _beside(root / part / "masks" / f"{path.stem}.bmp")
            sources += [
                Source(f"{path.stem}_{crop}", path.stem, pool, _SuimCrop(path, label, crop))
                for crop in range(SUIM_CROPS)
            ]
    return DataSet(
        "suim", "SUIM", Task.SEMANTIC, tuple(SUIM_COLORS), ("miou", "mpa"), tuple(sources), "range"
    )


def _cityscapes(root: Path) -> DataSet | None:
    if not (root / "leftImg8bit").is_dir():
        return None
    sources: list[Source] = []
    parts: tuple[tuple[str, Pool], ...] = (("train", "train"), ("val", "validation or test"))
    for part, pool in parts:
        images, labels = root / "leftImg8bit" / part, root / "gtFine" / part
        if not images.is_dir():
            raise ProjectError(f"'{root}' looks like Cityscapes but lacks 'leftImg8bit/{part}'; add it")
        for path in sorted(images.glob("*/*_leftImg8bit.png")):
            name = path.name.removesuffix("_leftImg8bit.png")
            label = _beside(labels / path.parent.name / f"{name}_gtFine_labelIds.png")
            sources.append(Source(name, name, pool, _City(path, label)))
    return DataSet(
        "cityscapes",
        "Cityscapes",
        Task.SEMANTIC,
        CITYSCAPES_CLASSES,
        ("miou", "mpa"),
        tuple(sources),
        "range",
    )


@dataclass(frozen=True)
class _Resized:
    """ISIC: bilinear images, the nearest pixel of masks, one threshold (IM-12)."""

    image: Path
    label: Path

    def __call__(self) -> Pair:
        size = (SIDE, SIDE)
        return bilinear(colour(self.image), size), (nearest(grey(self.label), size) > 127).astype(np.int32)


@dataclass(frozen=True)
class _HelaCrop:
    image: Path
    masks: tuple[Path, ...]
    top: int
    left: int

    def __call__(self) -> Pair:
        window = (slice(self.top, self.top + SIDE), slice(self.left, self.left + SIDE))
        alive, dead, position = (grey(path) > HELA_THRESHOLD for path in self.masks)
        if self.masks[-1].parent.name != HELA_POSITIONS[0]:
            height, width = position.shape
            position = circles(centres(position), (height, width))  # IM-10
        masks = np.stack([mask[window] for mask in (alive, dead, position)]).astype(np.int32)
        return grey(self.image)[None][:, *window], masks


@dataclass(frozen=True)
class _SuimCrop:
    """A random square of 256 to 511 pixels, the whole image where it is smaller than that (IM-13)."""

    image: Path
    label: Path
    crop: int

    def __call__(self) -> Pair:
        image, label = colour(self.image), _suim_classes(colour(self.label))
        height, width = image.shape[1:]
        if label.shape != (height, width):
            raise ProjectError(f"expected '{self.label}' to have the size of '{self.image}'")
        rng = np.random.default_rng([crc32(self.image.stem.encode()), self.crop])
        side = int(rng.integers(SIDE, max(SIDE + 1, min(2 * SIDE, max(height, width)))))
        if min(height, width) >= side:
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            image = image[:, top : top + side, left : left + side]
            label = label[top : top + side, left : left + side]
        return bilinear(image, (SIDE, SIDE)), nearest(label, (SIDE, SIDE))


@dataclass(frozen=True)
class _City:
    image: Path
    label: Path

    def __call__(self) -> Pair:
        ids = grey(self.label).astype(np.int32)
        ids = np.where(ids > len(CITYSCAPES_CLASSES), 0, ids)  # licence plates
        return bilinear(colour(self.image), CITYSCAPES_SIZE), nearest(ids, CITYSCAPES_SIZE)


def _suim_classes(colours_3_H_W: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Class ids of colours whose channels are off or on."""
    on = colours_3_H_W >= 128
    label = np.zeros(on.shape[1:], np.int32)
    for place, rgb in enumerate(SUIM_COLORS.values(), start=1):
        label[(on == (np.array(rgb) > 0)[:, None, None]).all(axis=0)] = place
    return label


def _existing(root: Path, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    return next((pair for pair in pairs if all((root / one).is_dir() for one in pair)), None)


def _files(folder: Path, *suffixes: str) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    if not found:
        raise ProjectError(f"'{folder}' holds no image ({', '.join(suffixes)}); unpack the archive again")
    return found


def _beside(label: Path) -> Path:
    if not label.is_file():
        raise ProjectError(f"there is no label '{label}'; unpack the archive of the labels, too")
    return label
