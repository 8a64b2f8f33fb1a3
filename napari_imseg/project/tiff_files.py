"""TIFF of every kind: plain, multi-page, ImageJ, OME, tiled, pyramids."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.layout import layout_of
from napari_imseg.project.records import Tile

_MICROMETRES: Final = {"micron": 1.0, "um": 1.0, "µm": 1.0, "\\u00B5m": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}


def contents(path: Path) -> Contents:
    """What the first series of a TIFF holds, from its header alone."""
    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            _check_complete(tiff, series)
            alpha = series.keyframe.extrasamples[-1:] in [(1,), (2,)]
            layout = layout_of(series.shape, series.axes, alpha=alpha)
            return Contents(layout, series.dtype.name, _pixel_size(tiff))
    except ProjectError as error:
        raise ProjectError(f"'{path}': {error}") from error
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' is not a TIFF that can be read ({reason(error)})") from error


def read(path: Path, found: Contents, plane: int | None, tile: Tile | None) -> NDArray[Any]:
    """One image, (C, H, W); only the parts of the file that it needs are decoded."""
    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            if plane is None and tile is None:
                return found.layout.take(series.asarray(), None, None)
            if series.keyframe.is_memmappable and series.dataoffset is not None:
                return np.array(found.layout.take(series.asarray(out="memmap"), plane, tile))
            import zarr  # takes a third of a second, and only some files need it

            with series.aszarr(level=0) as store:
                return found.layout.take(zarr.open(store, mode="r"), plane, tile)
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' is damaged ({reason(error)}); copy it again") from error


def _check_complete(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """A file that was cut off while it was copied still has its header."""
    size = tiff.filehandle.size
    for page in (series.keyframe, series.pages[-1]):
        ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if ends and max(ends) > size:
            raise ProjectError(f"the file is cut off ({size} of at least {max(ends)} bytes); copy it again")


def _pixel_size(tiff: tifffile.TiffFile) -> tuple[float, float] | None:
    """From ImageJ and OME metadata; the resolution of a plain TIFF is mostly that of a screen."""
    if tiff.is_ome:
        pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]
        pixels = (pixels[0] if isinstance(pixels, list) else pixels)["Pixels"]
        units = [_MICROMETRES.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"), 0.0) for axis in "YX"]
        sizes = [float(pixels.get(f"PhysicalSize{axis}", 0)) for axis in "YX"]
        return _positive(sizes[0] * units[0], sizes[1] * units[1])
    if tiff.is_imagej:
        unit = _MICROMETRES.get((tiff.imagej_metadata or {}).get("unit", ""), 0.0)
        across, down = (float(value) for value in tiff.pages[0].resolution)
        return _positive(unit / down, unit / across) if across > 0 and down > 0 else None
    return None


def _positive(height: float, width: float) -> tuple[float, float] | None:
    return (height, width) if height > 0 and width > 0 else None
