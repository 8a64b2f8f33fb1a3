"""Size of a pixel, from a layer or as people write it, and units in the headers of a table."""

from __future__ import annotations

import re
from typing import Any, Final

import pint

from napari_imseg.widgets.columns import Columns

_LENGTHS: Final = (
    *("centroid_z", "centroid_y", "centroid_x"),
    *("equivalent_diameter", "axis_major", "axis_minor", "perimeter"),
)


def pixel_size(layer: Any, axes: int) -> tuple[tuple[float, ...] | None, str]:
    """Sides of a pixel, or of a voxel, and their unit.

    Parameters
    ----------
    axes
        2 for height and width, 3 for depth, height and width; the last axes of the layer.

    Returns
    -------
    tuple
        ``None`` and ``"px"`` for a layer without scale and units, or whose last axes
        cannot be measured in the same unit. A scale without a unit is called ``"unit"``.
    """
    steps, units = [abs(float(step)) for step in layer.scale[-axes:]], layer.units[-axes:]
    if all(str(unit) == "pixel" for unit in units):
        return (None, "px") if all(step == 1 for step in steps) else (tuple(steps), "unit")
    try:
        lengths = [(step * unit).to(units[-1]).magnitude for step, unit in zip(steps, units, strict=True)]
    except pint.DimensionalityError:
        return None, "px"
    return tuple(float(length) for length in lengths), f"{units[-1]:~}"


def pixel_size_of(text: str) -> tuple[float, float] | None:
    """Height and width of a pixel as people write them: ``0.65``, ``0.65 x 0.7``, or nothing.

    Raises
    ------
    ValueError
        That is no size.
    """
    sides = re.split(r"\s*[x×*]\s*", text.strip().lower().removesuffix("µm").replace(",", ".").strip())
    if sides == [""]:
        return None
    try:
        lengths = tuple(float(side) for side in sides)
    except ValueError:
        lengths = ()
    if len(lengths) not in (1, 2):
        raise ValueError(
            f"Expected a pixel size in micrometres such as 0.65, or height x width such as 0.65 x 0.7, "
            f"got '{text}'; leave it empty if nobody knows."
        )
    return lengths[0], lengths[-1]


def pixel_size_text(size: tuple[float, float] | None) -> str:
    """What `pixel_size_of` reads; empty for ``None``."""
    return "" if size is None else " x ".join(dict.fromkeys(f"{side:.12g}" for side in size))


def with_units(columns: Columns, unit: str) -> Columns:
    """The same columns with the unit in the headers of areas, volumes and lengths."""
    suffixes = {"area": f" [{unit}²]", "volume": f" [{unit}³]", **dict.fromkeys(_LENGTHS, f" [{unit}]")}
    return {name + suffixes.get(name, ""): column for name, column in columns.items()}
