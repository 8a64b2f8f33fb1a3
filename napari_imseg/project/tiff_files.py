"""TIFF of every kind: plain, multi-page, ImageJ, OME, tiled, pyramids."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.fingerprints import modified_ns
from napari_imseg.project.layout import layout_of
from napari_imseg.project.records import Tile

OPEN_FILES: Final = 4
"""Stacks that stay open: to find a plane in a compressed one, tifffile must visit all pages."""

_MICROMETRES: Final = {
    **{"micron": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00B5m": 1.0},
    **{"nm": 1e-3, "mm": 1e3, "cm": 1e4},
}


def contents(path: Path) -> Contents:
    """What the first series of a TIFF holds, from its header alone."""
    try:
        with _open(path) as tiff:
            series = tiff.series[0]
            _check_complete(tiff, series)
            alpha = series.keyframe.extrasamples[-1:] in [(1,), (2,)]
            layout = layout_of(series.shape, series.axes, alpha=alpha)
            return Contents(layout, series.dtype.name, _pixel_size(tiff), _note(tiff))
    except ProjectError as error:
        raise ProjectError(f"'{path}': {error}") from error
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(
            f"'{path}' is not a TIFF that can be read ({reason(error)}); save it again"
        ) from error


def read(path: Path, found: Contents, plane: int | None, tile: Tile | None) -> NDArray[Any]:
    """One image, (C, H, W); only the parts of the file that it needs are decoded."""
    try:
        if plane is not None or tile is not None:
            stack = _stack(path, modified_ns(path))
            with stack.lock:
                return np.array(found.layout.take(stack.pixels, plane, tile))
        with _open(path) as tiff:
            return found.layout.take(tiff.series[0].asarray(), None, None)
    except Exception as error:  # a damaged file may raise anything
        raise ProjectError(f"'{path}' is damaged ({reason(error)}); copy it again") from error


def windows(path: Path, found: Contents, plane: int | None) -> Callable[[Tile], NDArray[Any]]:
    """Reads parts of a plane; only what each needs is decoded."""
    return lambda tile: read(path, found, plane, tile)


class _Stack:
    """An open file of many images; closes itself when the last user is gone."""

    def __init__(self, path: Path) -> None:
        self._tiff = _open(path)
        self.lock = threading.Lock()
        weakref.finalize(self, self._tiff.close)

    @cached_property
    def pixels(self) -> Any:
        """The array of the first series, mapped into memory or decoded chunk by chunk."""
        series = self._tiff.series[0]
        if series.keyframe.is_memmappable and series.dataoffset is not None:
            return series.asarray(out="memmap")
        import zarr  # takes a third of a second, and only compressed stacks need it

        return zarr.open(series.aszarr(level=0), mode="r")


@lru_cache(maxsize=OPEN_FILES)
def _stack(path: Path, changed: int) -> _Stack:
    return _Stack(path)


def _open(path: Path) -> tifffile.TiffFile:
    """A file of an OME set stands for itself, or each would bring the whole set."""
    return tifffile.TiffFile(path, _multifile=False)


def _check_complete(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """A file that was cut off while it was copied still has its header."""
    size = tiff.filehandle.size
    pages = (series.keyframe, series.pages[-1])
    ends = [sum(part) for page in pages for part in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    if max(ends, default=0) > size:
        raise ProjectError(f"the file is cut off ({size} of at least {max(ends)} bytes); copy it again")


def _note(tiff: tifffile.TiffFile) -> str:
    """What a person might miss of this file."""
    notes = []
    if len(tiff.series) > 1:
        shape = " x ".join(map(str, tiff.series[0].shape))
        notes.append(
            f"holds {len(tiff.series)} images of different shape, and only the first ({shape}) is used"
        )
    if _next_page(tiff) >= tiff.filehandle.size:
        notes.append("seems to be cut off, pages at the end may be missing")
    return "; ".join(notes)


def _next_page(tiff: tifffile.TiffFile) -> int:
    """Where the last page says that another one follows; 0 if it says that none does."""
    file, form = tiff.filehandle, tiff.tiff
    file.seek(tiff.pages[-1].offset)
    tags = int.from_bytes(file.read(form.tagnosize), _order(form))
    file.seek(tags * form.tagsize, 1)
    return int.from_bytes(file.read(form.offsetsize), _order(form))


def _order(form: Any) -> Any:
    return "little" if form.byteorder == "<" else "big"


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
