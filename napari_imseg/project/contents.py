"""What the header of an image file says."""

from __future__ import annotations

from dataclasses import dataclass

from napari_imseg.project.layout import Layout


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    layout
        Its axes.
    dtype
        Name of the numpy type of its values.
    pixel_size
        Height and width of a pixel in micrometres, if the file says so.
    note
        A sentence about what is left out, or nothing.
    """

    layout: Layout
    dtype: str
    pixel_size: tuple[float, float] | None = None
    note: str = ""
