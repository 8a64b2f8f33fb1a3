"""The manifest: valid, complete, and light."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtWidgets import QWidget

import napari_imseg
from napari_imseg.project.info import PALETTE
from napari_imseg.widgets.colors import other_than
from napari_imseg.widgets.preferences import Preferences, preferences

FILE = Path(napari_imseg.__file__).parent / "napari.yaml"


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(FILE)


def test_manifest_is_valid_for_the_validator_of_npe2():
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(FILE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_leads_to_a_function_or_a_widget(manifest):
    for command in manifest.contributions.commands:
        module, _, name = command.python_name.partition(":")
        assert callable(getattr(import_module(module), name)), command.id


def test_every_widget_command_is_a_widget(manifest):
    names = {command.id: command.python_name for command in manifest.contributions.commands}
    for widget in manifest.contributions.widgets:
        module, _, name = names[widget.command].partition(":")
        assert issubclass(getattr(import_module(module), name), QWidget)


def test_every_widget_is_in_a_menu(manifest):
    in_menus = {item.command for items in manifest.contributions.menus.values() for item in items}
    assert {widget.command for widget in manifest.contributions.widgets} <= in_menus


@pytest.mark.parametrize("what", ["napari_imseg", "the widgets without a project"])
def test_no_torch_is_imported(what):
    modules = ["napari_imseg"]
    if what != "napari_imseg":
        modules += [
            f"napari_imseg.widgets.{name}"
            for name in (
                "inconsistency_widget",
                "watershed_widget",
                "compare_widget",
                "sample_data",
                "loss_plot",
            )
        ]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_preferences_are_read_from_napari(plugin_settings, npe2pm):
    npe2pm.register(PluginManifest.from_file(FILE))
    assert preferences() == Preferences()
    get_plugin_settings("napari-imseg").labeling.brush_size = 25
    assert preferences().brush_size == 25


def test_the_mask_has_a_color_that_the_first_classes_do_not_have():
    assert other_than(PALETTE[:6], Preferences().im_color) == Preferences().im_color


def test_preferences_without_the_plugin_are_the_defaults(plugin_settings):
    assert preferences() == Preferences()


def test_preferences_are_bounded(plugin_settings, npe2pm):
    npe2pm.register(PluginManifest.from_file(FILE))
    with pytest.raises(ValueError, match="less than or equal to 2"):
        get_plugin_settings("napari-imseg").labeling.autosave_seconds = 60
