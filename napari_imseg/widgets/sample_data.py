"""Sample images for napari's *File > Open Sample* menu, made on demand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.synthetic import alive_dead as living_cells
from napari_imseg.synthetic import cells as blood_cells
from napari_imseg.synthetic import nuclei as nuclei_images
from napari_imseg.synthetic import touching as touching_cells
from napari_imseg.synthetic.sample import Sample
from napari_imseg.widgets.loading import contrast

LayerData = tuple[Any, dict[str, Any], str]
"""Data, arguments of the layer, and its type, as napari expects them of plugins."""

SHAPE: Final = (512, 512)
SEED: Final = 3


def nuclei() -> list[LayerData]:
    """Fluorescent nuclei with one id each."""
    return _layers(nuclei_images.make(SEED, SHAPE), "nuclei", "true nuclei")


def cells() -> list[LayerData]:
    """White blood cells among red ones: 1 cytoplasm, 2 nucleus."""
    return _layers(blood_cells.make(SEED, SHAPE), "blood cells", "true cytoplasm and nuclei")


def touching() -> list[LayerData]:
    """Tissue without gaps between its cells, with one id each."""
    return _layers(touching_cells.make(SEED, SHAPE), "touching cells", "true cells")


def alive_dead() -> list[LayerData]:
    """Living and dead cells in bright field: a mask of each, and a circle on the middle of every cell."""
    sample = living_cells.make(SEED, SHAPE)
    masks = zip(living_cells.CLASSES, sample.label_H_W, strict=True)
    return [
        _picture(sample, "living and dead cells"),
        *(_label(mask * np.int32(number), f"true {name}") for number, (name, mask) in enumerate(masks, 1)),
    ]


def _layers(sample: Sample, image_name: str, label_name: str) -> list[LayerData]:
    return [_picture(sample, image_name), _label(sample.label_H_W, label_name)]


def _picture(sample: Sample, name: str) -> LayerData:
    image_C_H_W = sample.image_C_H_W
    rgb = len(image_C_H_W) == 3
    picture = np.ascontiguousarray(np.moveaxis(image_C_H_W, 0, -1)) if rgb else image_C_H_W[0]
    return picture, {"name": name, "rgb": rgb, "contrast_limits": contrast(image_C_H_W)}, "image"


def _label(label_H_W: NDArray[np.int32], name: str) -> LayerData:
    return label_H_W, {"name": name, "opacity": 0.4}, "labels"
