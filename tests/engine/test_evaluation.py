"""What `evaluate` reports of an image, task by task."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.metrics import Empty, instance_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.evaluation import evaluate, metrics_of_label
from napari_imseg.engine.model import Model
from napari_imseg.project.project import Project
from napari_imseg.synthetic.dataset import KINDS, write_dataset
from tests.core.scenes import balls

ALIVE_DEAD = "brightfield-alive-dead"


def model_without_networks(project: Project) -> Model:
    nothing: Any = SimpleNamespace()
    return Model(project, nothing, nothing, WatershedOptions())


def test_objects_of_a_volume_go_through_its_planes() -> None:
    truth = balls(np.random.default_rng(0), (12, 40, 44), 8, radius=4)
    project: Any = SimpleNamespace(problem=Problem(Task.INSTANCES, 1, 3))
    inside = (truth > 0).astype(np.float32)
    maps = np.stack([1 - inside, inside, 0 * inside])
    ((name, found),) = evaluate(model_without_networks(project), [("a", maps, truth)])
    expected = watershed_instances(maps, 0.5, 0.5)
    assert (name, found) == ("a", instance_metrics(truth, expected))
    assert found["iou"] == 1


@pytest.mark.parametrize("classes", [KINDS[ALIVE_DEAD].classes, ("a", "b", "c")])
def test_cells_are_counted_if_the_classes_are_alive_dead_and_position(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    write_dataset(ALIVE_DEAD, tmp_path, 1, seed=1, shape=(96, 96))
    folders = {name: tmp_path / name for name in ("images", "labels")}
    with Project.create(tmp_path / "project", **folders, task=Task.MULTILABEL, classes=classes) as project:
        truth = project.read_label(project.labeled()[0].id)
        assert truth is not None
        model = model_without_networks(project)
        seen, blind = truth.astype(np.float32), np.zeros(truth.shape, np.float32)
        found = list(evaluate(model, [("seen", seen, truth), ("blind", blind, truth)]))
    (_, of_seen), (_, of_blind) = found
    always = {"iou", "dice", "miou", "mpa"}
    if classes == ("a", "b", "c"):
        assert of_seen.keys() == always
        return
    cells = len((tmp_path / "cells.csv").read_text().splitlines()) - 1
    assert of_seen.keys() == always | {"mcce", "miou_ad"}
    assert (of_seen["mcce"], of_seen["miou_ad"]) == (0, 1)
    assert (of_blind["mcce"], of_blind["miou_ad"]) == (cells, 0)


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize(("empty", "score"), [("perfect", 1), ("zero", 0)])
def test_what_an_empty_image_scores_holds_for_every_task(task: Task, empty: Empty, score: float) -> None:
    nothing = np.zeros((3, 8, 8) if task is Task.MULTILABEL else (8, 8), np.int32)
    found = metrics_of_label(Problem(task, 1, 3 if task is not Task.SEMANTIC else 2), nothing, nothing, empty)
    assert found["iou"] == score
    if task is Task.INSTANCES:
        assert found["ap50_pr"] == found["s_dsb"] == score


def test_an_image_without_a_labeled_pixel_is_left_out_and_told(tmp_path: Path) -> None:
    write_dataset("nuclei", tmp_path, 2, seed=1, shape=(64, 64))
    folders = {name: tmp_path / name for name in ("images", "labels")}
    with Project.create(tmp_path / "project", **folders, task=Task.SEMANTIC) as project:
        truth = project.read_label(project.labeled()[0].id)
        assert truth is not None
        both = np.stack([truth == 0, truth == 1]).astype(np.float32)
        steps = evaluate(
            model_without_networks(project),
            [("half", both, np.where(truth == 1, 0, truth)), ("none", both, 0 * truth - 1)],
        )
        told = []
        while True:
            try:
                told.append(next(steps))
            except StopIteration as end:
                result = end.value
                break
    assert [name for name, _ in told] == ["half", "none"]
    assert told[1][1] == {}
    assert list(result.images) == ["half"]
    assert result.left_out == ("none",)
    assert result.overall["iou"] == result.images["half"]["iou"] == 0
