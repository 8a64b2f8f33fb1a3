"""However little there is to learn from, a run ends with a model and says what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.engine.events import Epoch, Event, Finished, GenerationFinished, Note
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.model import Model
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError

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


OF_OBJECTS = ("actis", "denoiseg")

IDS = np.zeros((SIDE, SIDE), np.int32)
IDS[2:12, 2:12] = IDS[2:12, 20:30] = 70_000
IDS[20:40, 5:25] = 2_000_000_000
IDS[20:40, 25:30] = 3

OBJECTS = {
    "no object": ([NOTHING] * 4, "shows any cell, so nothing can be learned"),
    "one object that fills the image": ([NOTHING + 1] * 4, ""),
    "one labeled image": ([TRIANGLE], "no validation image"),
    "images smaller than the stride of the network": ([np.tri(10, dtype=np.uint8)] * 4, ""),
    "ids of more than 16 bits, with gaps, and one in two parts": ([IDS] * 4, ""),
}
"""Labels of the first of six images, and what the run says about them, if anything."""


def poor_project(folder: Path, task: Task, labels: list[np.ndarray], validation: float = 0.25) -> Project:
    """Six images of noise, as large as the labels of the first ones."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for number in range(6):
        noise = rng.random(labels[0].shape[-2:], np.float32)
        tifffile.imwrite(folder / "images" / f"{number}.tif", noise)
    for number, label in enumerate(labels):
        tifffile.imwrite(folder / "labels" / f"{number}.tif", label, photometric="minisblack")
    return Project.create(
        folder / "project",
        images=folder / "images",
        labels=folder / "labels",
        task=task,
        classes=("cell",) if task is Task.INSTANCES else ("cell", "rare"),
        validation=validation,
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


@pytest.mark.parametrize(
    ("share", "told"), [(0.25, ["1 validation image says"]), (0.5, ["2 validation images say"]), (0, [])]
)
def test_a_run_says_that_few_validation_images_tell_little(
    tmp_path: Path, quick: RunSettings, share: float, told: list[str]
) -> None:
    settings = quick.model_copy(update={"method": "pixel-classifier", "generations": 0})
    with poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE] * 4, share) as project:
        notes = [event.message for event in events_of(project, settings) if isinstance(event, Note)]
    found = [note for note in notes if "rough" in note]
    assert [note.split(" how good")[0] for note in found] == [f"only {words}" for words in told]


def test_many_validation_images_need_no_word(
    tmp_path: Path, quick: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_imseg.engine.advice.FEW_VALIDATION_IMAGES", 2)
    settings = quick.model_copy(update={"method": "pixel-classifier", "generations": 0})
    with poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE] * 4, 0.5) as project:
        assert not any("rough" in str(event) for event in events_of(project, settings))


@pytest.mark.parametrize("case", OBJECTS)
@pytest.mark.parametrize("method", OF_OBJECTS)
def test_methods_for_objects_end_with_a_model_that_predicts(
    tmp_path: Path, quick: RunSettings, method: str, case: str
) -> None:
    labels, message = OBJECTS[case]
    settings = quick.model_copy(update={"method": method, "students": 1, "top_k": 1, "epochs": 1})
    with poor_project(tmp_path, Task.INSTANCES, labels) as project:
        for record in project.labeled():
            project.write_label(record.id, labels[0].astype(np.int32))  # an import would number ids anew
        events = events_of(project, settings)
        assert isinstance(events[-1], Finished), events[-1]
        model = Model.load(project, find_generation(project), "cpu")
        image = project.network_image(project.unlabeled()[0].id)
        maps = model.ensemble.mean(image)
        assert np.isfinite(maps).all()
        assert model.label(maps).shape == image.shape[1:]
    losses = [value for event in events if isinstance(event, Epoch) for value in event.losses.values()]
    assert np.isfinite(losses).all()
    assert [event.score is None for event in events if isinstance(event, GenerationFinished)] == [
        case == "one labeled image"
    ] * (2 if method == "actis" else 1)
    warnings = [event.message for event in events if isinstance(event, Note) and event.level == "warning"]
    assert any(message in warning for warning in warnings) or not message, warnings


@pytest.mark.parametrize(
    ("method", "teachers", "students", "first_students"),
    [
        ("inconsistency-masks", 3, 2, 0),
        ("inconsistency-masks", 4, 3, 0),
        ("inconsistency-masks", 4, 4, 3),
        ("supervised", 5, 4, 0),
        ("supervised", 4, 4, 3),
        ("consistency-loss", 3, 2, 4),
        ("pixel-classifier", 5, 4, 0),
    ],
)
def test_more_teachers_than_students_are_refused_before_any_work(
    tmp_path: Path, quick: RunSettings, method: str, teachers: int, students: int, first_students: int
) -> None:
    numbers = {"top_k": teachers, "students": students, "first_students": first_students}
    settings = quick.model_copy(update={"method": method, **numbers})
    sentence = f"top_k={teachers} teachers cannot be chosen from {teachers - 1} students; raise students or"
    with (
        poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE * 2] * 4) as project,
        pytest.raises(SettingsError, match=sentence),
    ):
        events_of(project, settings)
    assert not list(project.folder.rglob("*.safetensors"))
    assert not list(project.folder.rglob("training_set.json"))


@pytest.mark.parametrize(
    ("method", "numbers", "teachers"),
    [
        ("pixel-classifier", {"students": 1}, 1),
        ("supervised", {"students": 1}, 1),
        ("supervised", {"students": 1, "first_students": 3, "top_k": 3}, 3),
    ],
)
def test_a_single_student_is_a_model_and_the_first_of_many_are_enough(
    tmp_path: Path, quick: RunSettings, method: str, numbers: dict[str, int], teachers: int
) -> None:
    settings = quick.model_copy(update={"method": method, "epochs": 1, **numbers})
    with poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE * 2] * 4) as project:
        events = events_of(project, settings)
        assert isinstance(events[-1], Finished), events[-1]
        record = find_generation(project)
        assert len(record.teachers) == teachers
        card = (project.folder / "runs" / record.run / "card.md").read_text(encoding="utf-8")
        assert f"teachers of a generation: {teachers}." in card


def test_a_validation_set_without_objects_is_told(tmp_path: Path, quick: RunSettings) -> None:
    with poor_project(tmp_path, Task.SEMANTIC, [TRIANGLE * 2] * 4) as project:
        for record in project.labeled("validation"):
            project.write_label(record.id, NOTHING.astype(np.int32))
        events = events_of(project, quick.model_copy(update={"epochs": 1}))
    assert "no validation image shows any cell or rare" in str(events)
