"""Every other format, through whichever napari reader plugin is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.layout import Layout, layout_of
from napari_imseg.project.records import Tile


def contents(path: Path) -> Contents:
    """What a reader plugin finds in a file."""
    layers, layout = _load(path)
    return Contents(layout, np.dtype(layers[0].dtype).name)


def read(path: Path, found: Contents, plane: int | None, tile: Tile | None) -> NDArray[Any]:
    """One image, (C, H, W); lazy arrays of a plugin compute only this part."""
    return _take(*_load(path), plane, tile)


def windows(path: Path, found: Contents, plane: int | None) -> Callable[[Tile], NDArray[Any]]:
    """Reads parts of a plane; what is in memory at a time is up to the plugin."""
    layers, layout = _load(path)
    return lambda tile: _take(layers, layout, plane, tile)


def _take(layers: list[Any], layout: Layout, plane: int | None, tile: Tile | None) -> NDArray[Any]:
    one = Layout(layers[0].shape, layout.axes[-layers[0].ndim :], layout.alpha)
    return np.concatenate([one.take(layer, plane, tile) for layer in layers])


def _load(path: Path) -> tuple[list[Any], Layout]:
    """Arrays of the image layers that belong together, and the layout of all of them."""
    from npe2 import read  # heavy, and rarely needed

    _discover()
    try:
        layers = [layer for layer in read([str(path)], stack=False) if _is_image(layer)]
    except Exception as error:  # a plugin may raise anything
        raise ProjectError(
            f"no installed napari plugin reads '{path}' ({reason(error)}); install one for "
            f"{path.suffix or 'this kind of'} files, or save it as TIFF"
        ) from error
    if not layers:
        raise ProjectError(f"'{path}' holds no image")
    arrays = [_array(layer) for layer in layers]
    axes = _axes(arrays[0].ndim, layers[0][1] if len(layers[0]) > 1 else {})
    alike = [array for array in arrays if array.shape == arrays[0].shape]
    if len(alike) > 1:  # one layer for each channel
        return alike, layout_of((len(alike), *arrays[0].shape), "C" + axes)
    return alike, layout_of(tuple(arrays[0].shape), axes)


@cache
def _discover() -> None:
    """Look for plugins once; within napari they are known already."""
    from npe2 import PluginManager

    PluginManager.instance().discover()


def _array(layer: Any) -> Any:
    """The data of a layer, at full resolution."""
    data = layer[0]
    multiscale = isinstance(data, list | tuple) or type(data).__name__ == "MultiScaleData"
    array = data[0] if multiscale else data
    return array if hasattr(array, "ndim") else np.asarray(array)


def _is_image(layer: Any) -> bool:
    return bool(layer) and layer[0] is not None and (layer[2] if len(layer) > 2 else "image") == "image"


def _axes(dimensions: int, meta: dict[str, Any]) -> str:
    """What the plugin says of axes; undeclared ones get ``Q``."""
    channel = meta.get("channel_axis")
    if channel is not None:
        rest = iter("Q" * (dimensions - 3) + "YX")
        return "".join("C" if axis == channel % dimensions else next(rest) for axis in range(dimensions))
    if meta.get("rgb"):
        return "Q" * (dimensions - 3) + "YXS"
    return "Q" * (dimensions - 2) + "YX"
