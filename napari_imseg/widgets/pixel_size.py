"""Size of a pixel from a layer's scale and units, and units in the headers of a table."""

from __future__ import annotations

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


def with_units(columns: Columns, unit: str) -> Columns:
    """The same columns with the unit in the headers of areas, volumes and lengths."""
    suffixes = {"area": f" [{unit}²]", "volume": f" [{unit}³]", **dict.fromkeys(_LENGTHS, f" [{unit}]")}
    return {name + suffixes.get(name, ""): column for name, column in columns.items()}
