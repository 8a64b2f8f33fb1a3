"""What a person is told before and after a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.engine import training_set
from napari_imseg.engine.advice import afterthought, beyond_limits
from napari_imseg.engine.events import Finished, Note
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.records import GenerationRecord, StudentRecord, record_path, write_record
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.synthetic.dataset import write_dataset
from tests.engine.conftest import make_project


def told(project: Project, settings: RunSettings) -> tuple[str, Finished]:
    """All notes of a run, and its end."""
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    events = list(Generations(project, run, settings, lambda: False).events())
    assert isinstance(events[-1], Finished)
    return "\n".join(event.message for event in events if isinstance(event, Note)), events[-1]


@pytest.mark.parametrize("value", [7.0, np.nan, np.inf])
def test_an_image_that_is_the_same_everywhere_is_named(
    tmp_path: Path, quick: RunSettings, value: float
) -> None:
    write_dataset("nuclei", tmp_path / "data", 8, seed=1, shape=(64, 64))
    first, *_ = sorted((tmp_path / "data" / "images").iterdir())
    tifffile.imwrite(first, np.full((64, 64), value, np.float32))
    folders = {kind: tmp_path / "data" / kind for kind in ("images", "labels")}
    with Project.create(tmp_path / "project", **folders, task=Task.SEMANTIC, classes=("nucleus",)) as project:
        notes, _ = told(project, quick.model_copy(update={"method": "supervised"}))
    assert "1 labeled images are the same everywhere (of one value, or not numbers)" in notes
    assert f"{first.name}; look at them" in notes


@pytest.mark.parametrize(
    ("method", "settings", "tried"),
    [
        ("inconsistency-masks", {}, ""),
        ("inconsistency-masks", {"blocking": "black"}, ", or set blocking to left-out"),
        ("inconsistency-masks-plus", {}, ""),
        ("inconsistency-masks-plus", {"blocking": "black"}, ", or set blocking to left-out"),
    ],
)
def test_a_run_whose_later_generations_are_worse_says_what_to_try(
    project: Project, quick: RunSettings, method: str, settings: dict[str, str], tried: str
) -> None:
    change = {"method": method, "method_settings": settings, "epochs": 1}
    for seed in range(6):
        notes, end = told(project, quick.model_copy(update={**change, "seed": seed}))
        said = "later generations were not better (IoU " in notes
        assert said == (end.best_generation == 0)
        if said:
            assert "generation 0 is used" in notes
            assert notes.endswith(f"of the queue{tried}")
            return
    pytest.fail("the first generation was never the best one")


JUDGING = {"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.125, "evalnet_epochs": 1}


def test_a_limit_beyond_the_scores_of_the_first_networks_is_told(
    project: Project, quick: RunSettings
) -> None:
    change = {"method": "IM++", "epochs": 1, "method_settings": JUDGING | {"lowest": 1.0}}
    notes, _ = told(project, quick.model_copy(update=change))
    assert "lowest=1 lies above the highest validation score of the first networks (0." in notes
    assert "), so highest is the same: an image gets one augmented version up to this score" in notes


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, ""),
        ({"lowest": 0.7}, ""),
        ({"lowest": 0.9, "highest": 0.95}, ""),
        ({"lowest": 0.9}, "lowest=0.9 lies above the highest validation score of the first networks (0.800)"),
        (
            {"highest": 0.5},
            "highest=0.5 lies below the lowest validation score of the first networks (0.600)",
        ),
    ],
)
def test_limits_that_are_not_moved_are_not_told(
    project: Project, quick: RunSettings, limits: dict[str, float], message: str
) -> None:
    settings = quick.model_copy(update={"method": "IM++", "method_settings": limits})
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    training_set.freeze(project, run)
    room = Room.open(project, run, settings, lambda: False)
    for student, score in enumerate((0.8, 0.6)):
        record = StudentRecord(member="", method="", score=score, seconds=0, training_images=0)
        write_record(record_path(run.checkpoints, 0, student), record)
    notes = [note.message for note in beyond_limits(room)]
    assert len(notes) == bool(message)
    assert all(note.startswith(message) for note in notes)


def test_without_unlabeled_images_nobody_is_sent_to_the_queue(tmp_path: Path, quick: RunSettings) -> None:
    with make_project(tmp_path, images=6, labeled=6) as project:
        run = Run.create(project.folder, quick.model_dump(mode="json"))
        training_set.freeze(project, run)
        room = Room.open(project, run, quick, lambda: False)
        records = [
            GenerationRecord(
                run="r001", generation=number, teachers=["a"], metric_name="iou", score=score, labeled=6,
                unlabeled=0,
            )
            for number, score in enumerate((0.8, 0.7))
        ]  # fmt: skip
        (note,) = afterthought(room, records)
    assert note.message.endswith(
        "(IoU 0.800 → 0.700), so generation 0 is used; to gain more, add unlabeled images"
    )
