"""Size of a pixel from a layer's scale and units, and units in the headers of a table."""

from __future__ import annotations

from typing import Any, Final

import pint

from napari_imseg.widgets.columns import Columns

_LENGTHS: Final = ("centroid_y", "centroid_x", "equivalent_diameter", "perimeter")


def pixel_size(layer: Any) -> tuple[tuple[float, float] | None, str]:
    """Height and width of a pixel, and their unit.

    Returns
    -------
    tuple
        ``None`` and ``"px"`` for a layer without scale and units, or whose two last axes
        cannot be measured in the same unit. A scale without a unit is called ``"unit"``.
    """
    height, width = (abs(float(step)) for step in layer.scale[-2:])
    unit_of_height, unit_of_width = layer.units[-2:]
    if str(unit_of_width) == str(unit_of_height) == "pixel":
        return (None, "px") if height == width == 1 else ((height, width), "unit")
    try:
        height = float((height * unit_of_height).to(unit_of_width).magnitude)
    except pint.DimensionalityError:
        return None, "px"
    return (height, width), f"{unit_of_width:~}"


def with_units(columns: Columns, unit: str) -> Columns:
    """The same columns with the unit in the headers of areas and lengths."""
    suffixes = {"area": f" [{unit}²]", **dict.fromkeys(_LENGTHS, f" [{unit}]")}
    return {name + suffixes.get(name, ""): column for name, column in columns.items()}
