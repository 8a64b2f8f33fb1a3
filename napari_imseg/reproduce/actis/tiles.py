"""Whole test images, and tiles of all others: what the comparison of the ACTIS paper is made on.

Source: METHODS 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from skimage.measure import label as connected_parts

from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import BACKGROUND, UNLABELED, Task
from napari_imseg.project import images
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.info import Intensity
from napari_imseg.reproduce.dataset import DataSet, Pair, Pool, Source, group_name, pairs_of, read_pair
from napari_imseg.reproduce.splits import Splits

METRICS: Final = (
    "ap50_pr",
    "ap50_precision",
    "ap10_90_pr",
    "ap10_90",
    "s_dsb",
    "f1_50",
    "f1_50_clipped",
)

TEST_IMAGES: Final = 50
LARGEST_TEST_SHARE: Final = 0.2
"""Of fewer than 250 images a fifth is for the test."""

VALIDATION_SHARE: Final = 0.15
"""Of the images that are not for the test."""


@dataclass(frozen=True)
class Bounds:
    """How much of the data is used, and how it is read.

    Attributes
    ----------
    tile
        Side of a tile in pixels.
    training, validation
        Most tiles, drawn from all; 0 for all of them.
    tiles_by_themselves
        How intensities become what networks see. False: a tile shows what `normalise` makes of its whole
        image by percentiles, as it would be shown within the image. True: each tile is normalised by
        itself, ``unclipped``, which also spreads the noise of a tile without objects (METHODS 2.2).
    """

    tile: int = 128
    training: int = 0
    validation: int = 0
    tiles_by_themselves: bool = False


def read_tiles(folder: Path, bounds: Bounds, seed: int, group_by: str = "") -> tuple[DataSet, Splits]:
    """Draw test, validation and training images of a folder; cut all but the test images into tiles.

    Tiles do not overlap, and what is left at the lower and right edge is not used. Copies of an image,
    tiles of one image and images of one group (`group_name`) are in the same set.

    Raises
    ------
    ProjectError
        There are too few images, or they are smaller than a tile.
    """
    rng = np.random.default_rng(seed)
    groups: dict[str, list[tuple[Path, Path]]] = {}
    for image, label in pairs_of(folder):
        groups.setdefault(group_name(image, folder, group_by), []).append((image, label))
    names = sorted(groups)
    shuffled = [groups[names[place]] for place in rng.permutation(len(names))]
    test = max(1, min(TEST_IMAGES, round(LARGEST_TEST_SHARE * len(names))))
    validation = test + max(1, round(VALIDATION_SHARE * (len(names) - test)))
    sources = {
        "test": [_whole(*pair, bounds) for group in shuffled[:test] for pair in group],
        "validation": _bounded(_cut(shuffled[test:validation], "validation", bounds), bounds.validation, rng),
        "train": _bounded(_cut(shuffled[validation:], "train", bounds), bounds.training, rng),
    }
    for kind, found in sources.items():
        if not found:
            raise ProjectError(
                f"{len(names)} images leave none of {bounds.tile} x {bounds.tile} pixels for the {kind} set; "
                "give more, or larger ones"
            )
    sets = {kind: tuple(sorted(one.name for one in found)) for kind, found in sources.items()}
    splits = Splits(labeled=(), unlabeled=sets["train"], validation=sets["validation"], test=sets["test"])
    every = tuple(one for found in sources.values() for one in found)
    title = folder.resolve().name
    intensity: Intensity = "unclipped" if bounds.tiles_by_themselves else "range"
    data = DataSet("tiles", title, Task.INSTANCES, ("object",), METRICS, every, intensity)
    return data, splits


def _bounded(found: list[Source], most: int, rng: np.random.Generator) -> list[Source]:
    order = rng.permutation(len(found))
    return [found[place] for place in order[: most or None]]


def _whole(image: Path, label: Path, bounds: Bounds) -> Source:
    return Source(image.stem, image.stem, "test", _Part(image, label, bounds))


def _cut(groups: Sequence[Sequence[tuple[Path, Path]]], pool: Pool, bounds: Bounds) -> list[Source]:
    found, side = [], bounds.tile
    for image, label in (pair for group in groups for pair in group):
        _, height, width = images.read_units(image)[0].shape
        found += [
            Source(
                f"{image.stem}_{top}_{left}", image.stem, pool, _Part(image, label, bounds, top, left, side)
            )
            for top in range(0, height - side + 1, side)
            for left in range(0, width - side + 1, side)
        ]
    return found


@dataclass(frozen=True)
class _Part:
    """A tile, or the whole image; an id whose pixels do not hang together is several objects."""

    image: Path
    label: Path
    bounds: Bounds
    top: int = 0
    left: int = 0
    side: int = 0

    def __call__(self) -> Pair:
        pixels, ids = read_pair(self.image, self.label)
        if not self.bounds.tiles_by_themselves:
            pixels = normalise(pixels, "percentile")
        end = self.side or max(ids.shape)
        window = (slice(self.top, self.top + end), slice(self.left, self.left + end))
        ids = ids[window]
        divided = connected_parts(np.maximum(ids, BACKGROUND), background=BACKGROUND, connectivity=2)
        return pixels[:, *window], np.where(ids == UNLABELED, UNLABELED, divided).astype(np.int32)
