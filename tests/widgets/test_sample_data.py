"""Samples of the menu: images with their true labels."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from npe2 import PluginManifest

from tests.widgets.test_manifest import FILE

SAMPLES = {sample.key: sample for sample in PluginManifest.from_file(FILE).contributions.sample_data}


@pytest.fixture
def our_plugin(npe2pm):
    npe2pm.register(PluginManifest.from_file(FILE))


@pytest.mark.gui
@pytest.mark.parametrize("key", [key for key in SAMPLES if key != "alive-dead"])
def test_sample_opens_with_true_labels_of_the_same_size(make_napari_viewer, our_plugin, key):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-imseg", key)
    image, labels = viewer.layers
    height, width = labels.data.shape
    assert image.data.shape[:2] == (height, width)
    assert labels.data.max() >= 2
    assert labels.data.dtype == np.int32
    assert image.contrast_limits[0] < image.contrast_limits[1]


@pytest.mark.gui
def test_living_and_dead_cells_open_with_a_layer_for_each_mask(make_napari_viewer, our_plugin):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-imseg", "alive-dead")
    image, *masks = viewer.layers
    assert [layer.name for layer in masks] == ["true alive", "true dead", "true position"]
    assert all(isinstance(layer, Labels) and layer.data.shape == image.data.shape for layer in masks)
    alive, dead, position = (layer.data > 0 for layer in masks)
    assert (position & (alive | dead)).sum() > 0.9 * position.sum() > 0
    shown = {tuple(layer.get_color(int(layer.data.max()))) for layer in masks}
    assert len(shown) == 3
    assert image.contrast_limits[0] < image.contrast_limits[1]


def test_a_sample_is_the_same_every_time():
    from napari_imseg.widgets.sample_data import nuclei

    first, second = nuclei(), nuclei()
    assert (first[0][0] == second[0][0]).all()
    assert (first[1][0] == second[1][0]).all()
