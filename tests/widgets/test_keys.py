"""Keys are borrowed from the viewer and given back."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.shortcuts import default_shortcuts

from napari_imseg.widgets import keys
from napari_imseg.widgets.keys import TABLE, Keys


def test_what_was_bound_before_is_bound_again():
    viewer, calls = ViewerModel(), []
    viewer.bind_key("N", lambda _: calls.append("theirs"))
    bound = Keys()
    bound.bind(viewer, {"N": lambda: calls.append("ours"), "G": lambda: calls.append("G")})
    for action in viewer.keymap.values():
        action(viewer)
    bound.release()
    (action,) = viewer.keymap.values()
    action(viewer)
    assert calls == ["ours", "G", "theirs"]


def test_layers_get_their_own_keys_back():
    layer, bound = Labels(np.zeros((4, 4), int)), Keys()
    bound.bind(layer, {"1": print, keys.UNDO: print})
    assert len(layer.keymap) == 2
    bound.release()
    assert not layer.keymap


def test_letters_shadow_nothing_that_napari_does_on_images_and_labels():
    elsewhere = ("in_slice", "rectangle", "direct")  # points and shapes, whose layers go first anyway
    napari = {
        str(key)
        for name, bound in default_shortcuts.items()
        for key in bound
        if not any(other in name for other in elsewhere)
    }
    ours = {key.replace("Control", "Ctrl").replace("-", "+") for key in TABLE if len(key) == 1 or "-" in key}
    assert not (ours - {"0"}) & napari


def test_every_tool_that_a_digit_replaces_has_a_letter():
    for name in ("erase", "paint", "fill", "picker", "pan_zoom"):
        bound = {str(key) for key in default_shortcuts[f"napari:activate_labels_{name}_mode"]}
        assert any(key.isalpha() for key in bound), name


def test_keys_over_an_instance_shadow_nothing_that_napari_does_on_labels():
    napari = {
        str(key)
        for name, bound in default_shortcuts.items()
        for key in bound
        if "labels" in name or "layer" in name or "visibility" in name
    }
    assert not {*keys.INSTANCES, keys.BACKSPACE} & (napari | set(TABLE))
