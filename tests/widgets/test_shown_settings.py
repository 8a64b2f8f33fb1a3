"""The Train panel shows the settings that the chosen method, loss and network have, and no others."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtWidgets import QWidget

from napari_imseg.core.problem import Task
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.method import Curator
from napari_imseg.widgets.dock import TRAIN
from tests.engine.shown import ONLY_FOR, SHOWN, own
from tests.widgets.gui import child, choose

pytestmark = pytest.mark.gui

PROJECTS: dict[str, dict[str, Any]] = {
    "binary": {"task": Task.SEMANTIC, "classes": ["nucleus"]},
    "classes": {"task": Task.SEMANTIC, "classes": ["nucleus", "debris"]},
    "cells": {"task": Task.MULTILABEL, "classes": ["alive", "dead", "position"]},
    "instances": {"task": Task.INSTANCES, "classes": ["nucleus"]},
}


def open_train(open_dock, qtbot, **options):
    dock = open_dock(image=False, **options)
    dock.show_step(TRAIN)
    qtbot.waitUntil(lambda: child(dock, "train_method").count() > 1)
    return dock


def choose_method(dock, name: str) -> None:
    method = child(dock, "train_method")
    choose(dock, "train_method", method.itemText(method.findData(name)))


def shown(dock, *forms: str) -> set[str]:
    """Settings in these forms, whether the part of the panel is folded or not."""
    panel = child(dock, "train_panel")
    widgets = [widget for form in forms for widget in panel._forms[form].findChildren(QWidget)]
    names = {widget.objectName() for widget in widgets if not widget.isHidden()}
    return {name.removeprefix("setting_") for name in names if name.startswith("setting_")}


def parts(dock) -> list[str]:
    """What masks of other tools can do."""
    part = child(dock, "members_part")
    return [part.itemText(place) for place in range(part.count())]


@pytest.mark.parametrize("label", PROJECTS)
def test_every_method_shows_exactly_its_settings(label, open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot, **PROJECTS[label])
    panel, task = child(dock, "train_panel"), PROJECTS[label]["task"]
    loss = find_method("supervised").Settings.model_fields
    choose(dock, "train_objective", find_method("supervised").title)
    for name in SHOWN:
        kind = find_method(name)
        if task not in kind.tasks:
            continue
        choose_method(dock, name)
        run = SHOWN[name] | ONLY_FOR.get(label, set())
        assert shown(dock, "first", "rest") == run - {"first_teachers"}
        makes_pseudo_labels = issubclass(kind, Curator) or name == "actis"
        hidden = set() if makes_pseudo_labels else {"pseudo_boundary_weight"}
        assert shown(dock, "method") == own(name, set(kind.Settings.model_fields), label) - hidden
        if issubclass(kind, Curator):
            assert shown(dock, "objective") == own("supervised", set(loss), label)
        assert len(parts(dock)) == (3 if "first_teachers" in run else 1)
        assert panel.value().method == name
        assert panel.value().method_settings == kind.Settings().model_dump(mode="json")


def test_the_loss_changes_what_is_shown(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    assert {"flips", "warm_start"} <= shown(dock, "rest")
    choose(dock, "train_objective", find_method("actis").title)
    assert "flips" not in shown(dock, "rest")
    assert parts(dock) == ["speak beside the networks of every generation"]
    choose(dock, "train_objective", find_method("supervised").title)
    assert "flips" in shown(dock, "rest")
    assert len(parts(dock)) == 3


def test_the_network_decides_whether_width_or_weights_are_shown(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    panel = child(dock, "train_panel")
    child(dock, "setting_alpha").setValue(1.0)
    assert "weights" not in shown(dock, "rest")
    choose(dock, "setting_network", "efficientnet-b0")
    child(dock, "setting_weights").setText("imagenet")
    assert shown(dock, "rest") & {"alpha", "weights"} == {"weights"}
    assert (panel.value().alpha, panel.value().weights) == (RunSettings().alpha, "imagenet")
    choose(dock, "setting_network", "unet-1x1")
    assert shown(dock, "rest") & {"alpha", "weights"} == {"alpha"}
    assert (panel.value().alpha, panel.value().weights) == (1.0, "")


def test_what_masks_are_to_do_is_chosen_again_where_they_can_do_it(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    wanted = "teach the first generation in place of networks"
    choose(dock, "members_part", wanted)
    choose_method(dock, "supervised")
    assert parts(dock) == ["speak beside the networks of every generation"]
    choose_method(dock, "inconsistency-masks")
    assert child(dock, "members_part").currentText() == wanted


def test_what_is_not_shown_keeps_its_value_for_later_and_does_nothing_now(open_dock, qtbot, started):
    dock = open_train(open_dock, qtbot)
    panel, method = child(dock, "train_panel"), child(dock, "train_method")
    mine, classifier = method.currentText(), method.itemText(method.findData("pixel-classifier"))
    child(dock, "setting_generations").setValue(5)
    child(dock, "setting_predicted_quality").setChecked(True)
    choose(dock, "train_method", classifier)
    assert (panel.value().generations, panel.value().predicted_quality) == (RunSettings().generations, False)
    choose(dock, "train_method", mine)
    assert child(dock, "setting_generations").value() == 5
    assert (panel.value().generations, panel.value().predicted_quality) == (5, True)
