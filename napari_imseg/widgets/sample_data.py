"""Sample images for napari's *File > Open Sample* menu, made on demand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

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


def _layers(sample: Sample, image_name: str, label_name: str) -> list[LayerData]:
    image_C_H_W = sample.image_C_H_W
    rgb = len(image_C_H_W) == 3
    picture = np.ascontiguousarray(np.moveaxis(image_C_H_W, 0, -1)) if rgb else image_C_H_W[0]
    return [
        (picture, {"name": image_name, "rgb": rgb, "contrast_limits": contrast(image_C_H_W)}, "image"),
        (sample.label_H_W, {"name": label_name, "opacity": 0.4}, "labels"),
    ]
