"""Which axis of a stored array is which, said explicitly.

The rules, in this order:

1. The axes that a file declares are believed: ``Y`` and ``X`` are the image, ``C`` and ``S``
   (samples of a pixel) are channels, every other axis (``Z``, ``T``, pages) counts planes;
   so does a ``C`` longer than `MOST_CHANNELS`, which programs write that know no better.
2. Where a file declares nothing, a last axis of length 3 or 4 behind two longer ones holds
   RGB or RGBA.
3. An alpha sample is dropped: the fourth of RGB, or one that the file declares as alpha.
4. RGB whose three samples are equal everywhere is grey; it is one channel where one is wanted.

So three pages of a plain TIFF are three planes, and three channels only if the file says ``C``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.records import Tile

MOST_CHANNELS: Final = 64

_UNDECLARED: Final = "QI"
"""Letters that tifffile gives to axes whose meaning nobody declared."""


@dataclass(frozen=True)
class Layout:
    """Axes of a stored array.

    Attributes
    ----------
    shape
        As stored.
    axes
        A letter for each axis, see the rules of this module.
    alpha
        The last sample is alpha and is not a channel.
    grey
        Of the samples of RGB only the first is a channel.
    """

    shape: tuple[int, ...]
    axes: str
    alpha: bool = False
    grey: bool = False

    @property
    def planes(self) -> int:
        """Planes in the file, at least 1."""
        return math.prod(self._lengths(self._plane_axes))

    @property
    def channels(self) -> int:
        """Channels without alpha, at least 1."""
        return math.prod(
            self._samples if letter == "S" else length
            for letter, length in zip(self.axes, self.shape, strict=True)
            if letter in "CS"
        )

    def seen_as(self, channels: int | None) -> Layout:
        """The same, but of RGB the first sample alone if one channel is wanted."""
        return replace(self, grey=True) if channels == 1 and self.channels == self._samples == 3 else self

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[self.axes.index("Y")]

    @property
    def width(self) -> int:
        """Columns."""
        return self.shape[self.axes.index("X")]

    def take(self, stored: Any, plane: int | None, tile: Tile | None) -> NDArray[Any]:
        """Cut one image out of an array (or anything that is indexed like one).

        Returns
        -------
        numpy.ndarray
            (C, H, W) in the type of the file.
        """
        y, x, height, width = tile or (0, 0, self.height, self.width)
        places = np.unravel_index(plane or 0, self._lengths(self._plane_axes) or (1,))
        index: list[int | slice] = [slice(None)] * len(self.shape)
        for axis, place in zip(self._plane_axes, places, strict=False):
            index[axis] = int(place)
        index[self.axes.index("Y")] = slice(y, y + height)
        index[self.axes.index("X")] = slice(x, x + width)
        if "S" in self.axes:
            index[self.axes.index("S")] = slice(0, self._samples)
        cut = np.asarray(stored[tuple(index)])
        kept = [letter for letter, part in zip(self.axes, index, strict=True) if isinstance(part, slice)]
        order = sorted(range(len(kept)), key=lambda axis: "CSYX".index(kept[axis]))
        return np.ascontiguousarray(cut.transpose(order).reshape(self.channels, height, width))

    @property
    def _samples(self) -> int:
        """Samples of a pixel that are channels; 0 if the file has no such axis."""
        if "S" not in self.axes:
            return 0
        return 1 if self.grey else self.shape[self.axes.index("S")] - self.alpha

    @property
    def _plane_axes(self) -> list[int]:
        return [axis for axis, letter in enumerate(self.axes) if letter not in "CSYX"]

    def _lengths(self, axes: list[int]) -> tuple[int, ...]:
        return tuple(self.shape[axis] for axis in axes)


def layout_of(shape: tuple[int, ...], axes: str, *, alpha: bool = False) -> Layout:
    """Apply the rules of this module.

    Parameters
    ----------
    axes
        A letter for each axis; ``Q`` and ``I`` where the file declares nothing.
    alpha
        The file declares its last sample as alpha.

    Raises
    ------
    ProjectError
        There is no image in such an array.
    """
    if 0 in shape:
        raise ProjectError(f"expected an image, got an empty array of shape {shape}")
    if len(shape) >= 3 and axes[-3] in _UNDECLARED and "S" not in axes and "C" not in axes:
        rows, columns, last = shape[-3:]
        if last in (3, 4) and min(rows, columns) > 4:
            axes = axes[:-3] + "YXS"
    if "C" in axes and shape[axes.index("C")] > MOST_CHANNELS:
        axes = axes.replace("C", "Q")
    if axes.count("Y") != 1 or axes.count("X") != 1 or axes.count("S") > 1 or axes.count("C") > 1:
        raise ProjectError(f"expected an image with height and width, got axes '{axes}' of shape {shape}")
    rgba = axes[-1] == "S" and shape[-1] == 4
    return Layout(shape, axes, alpha=(alpha or rgba) and "S" in axes and shape[axes.index("S")] > 1)
