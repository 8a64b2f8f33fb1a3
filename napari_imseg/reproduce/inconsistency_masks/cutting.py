"""A data set that is too large for a laptop, cut down: a crop of each image, and not of all images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

import numpy as np

from napari_imseg.reproduce.dataset import DataSet, Pair

MOST_PIXELS: Final = 20_000_000
"""Of all images together; beyond that, predicting takes more of the time than training."""

SIDE: Final = 256
"""Of the crops, as the paper cuts its own images."""


def cut_down(data: DataSet, seed: int) -> DataSet:
    """The same data set, or a random crop of each of as many images as `MOST_PIXELS` allow.

    Parameters
    ----------
    seed
        Draws images and crops: the same ones whatever the order of the sources.
    """
    if _fits(data):
        return data
    most = MOST_PIXELS // SIDE**2
    by_name = sorted(data.sources, key=lambda source: source.name)
    drawn = [by_name[place] for place in np.random.default_rng(seed).permutation(len(by_name))[:most]]
    sources = tuple(replace(source, read=_Crop(source.name, source.read, seed)) for source in drawn)
    remark = f"{len(drawn)} of {len(by_name)} images, and of each a crop of at most {SIDE} x {SIDE} pixels."
    return replace(data, sources=sources, remarks=(*data.remarks, remark))


def _fits(data: DataSet) -> bool:
    pixels = 0
    for source in data.sources:
        pixels += source.read()[0][0].size
        if pixels > MOST_PIXELS:
            return False
    return True


@dataclass(frozen=True)
class _Crop:
    """A random square of an image; the whole length of sides that are shorter."""

    name: str
    read: Callable[[], Pair]
    seed: int

    def __call__(self) -> Pair:
        image, label = self.read()
        rng = np.random.default_rng([self.seed, crc32(self.name.encode())])
        top, left = (int(rng.integers(max(1, length - SIDE + 1))) for length in image.shape[1:])
        window = (..., slice(top, top + SIDE), slice(left, left + SIDE))
        return image[window], label[window]
