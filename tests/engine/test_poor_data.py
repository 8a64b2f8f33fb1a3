"""However little there is to learn from, a run ends with a model and says what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.engine.events import Event, Finished, GenerationFinished, Note
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run

PSEUDO_LABELS = ("inconsistency-masks", "inconsistency-masks-plus-plus")
"""Without EvalNets and with them."""

SMALL_EVALNETS = {"evalnets": 2, "evalnets_trained": 2, "evalnet_alpha": 0.25, "evalnet_epochs": 1}
SIDE = 48
TRIANGLE, NOTHING = np.tri(SIDE, dtype=np.uint8), np.zeros((SIDE, SIDE), np.uint8)

POOR = {
    "no foreground": (
        Task.SEMANTIC,
        [NOTHING] * 4,
        "no label to train on shows any cell or rare, so nothing",
    ),
    "a class nobody labeled": (Task.SEMANTIC, [TRIANGLE] * 4, "no label to train on shows any rare, so no"),
    "one labeled image": (Task.SEMANTIC, [TRIANGLE], "no validation image"),
    "no unlabeled image": (Task.SEMANTIC, [TRIANGLE * 2] * 6, "there is no unlabeled image"),
    "masks that never occur": (Task.MULTILABEL, [np.stack([TRIANGLE, NOTHING])] * 4, "shows any rare"),
    "objects nobody drew": (Task.INSTANCES, [NOTHING] * 4, "shows any cell, so nothing can be learned"),
}
"""Task, labels of the first of six images, and what the run says about them."""


def poor_project(folder: Path, task: Task, labels: list[np.ndarray]) -> Project:
    """Six images of noise, the first ones labeled."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for number in range(6):
        tifffile.imwrite(folder / "images" / f"{number}.tif", rng.random((SIDE, SIDE), np.float32))
    for number, label in enumerate(labels):
        tifffile.imwrite(folder / "labels" / f"{number}.tif", label, photometric="minisblack")
    return Project.create(
        folder / "project",
        images=folder / "images",
        labels=folder / "labels",
        task=task,
        classes=("cell",) if task is Task.INSTANCES else ("cell", "rare"),
        validation=0.25,
    )


def events_of(project: Project, settings: RunSettings) -> list[Event]:
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    return list(Generations(project, run, settings, lambda: False).events())


@pytest.mark.parametrize("case", POOR)
@pytest.mark.parametrize("method", PSEUDO_LABELS)
def test_a_run_ends_with_a_model_and_says_what_is_missing(
    tmp_path: Path, quick: RunSettings, method: str, case: str
) -> None:
    task, labels, message = POOR[case]
    known = find_method(method).Settings.model_fields
    own = {name: value for name, value in SMALL_EVALNETS.items() if name in known}
    settings = quick.model_copy(update={"method": method, "method_settings": own, "epochs": 1})
    with poor_project(tmp_path, task, labels) as project:
        events = events_of(project, settings)
        assert isinstance(events[-1], Finished), events[-1]
        assert [event.generation for event in events if isinstance(event, GenerationFinished)] == [0, 1]
        assert project.catalog.current_generation
    warnings = [event.message for event in events if isinstance(event, Note) and event.level == "warning"]
    assert any(message in warning for warning in warnings), warnings


def test_a_validation_set_without_objects_is_told(tmp_path: Path, quick: RunSettings) -> None:
    with poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE * 2] * 4) as project:
        for record in project.labeled("validation"):
            project.write_label(record.id, NOTHING.astype(np.int32))
        events = events_of(project, quick.model_copy(update={"epochs": 1}))
    assert "no validation image shows any cell or rare" in str(events)
