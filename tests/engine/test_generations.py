"""Generations: the whole loop on a small project, stopped, resumed and misused."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine.events import (
    Epoch,
    Event,
    Finished,
    GenerationFinished,
    JudgeFinished,
    Note,
    RunStarted,
    StudentStarted,
)
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import (
    StudentRecord,
    find_generation,
    generations,
    read_record,
    record_path,
)
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from napari_imseg.synthetic.dataset import write_dataset
from tests.engine.conftest import after, execute, make_project, never, new_run


def figures(events: list[Event]) -> list[tuple[object, ...]]:
    """Everything that must not depend on when a run was interrupted."""
    return [
        (event.generation, event.score, event.im_fraction, event.im_relative, event.kept, event.teachers)
        for event in events
        if isinstance(event, GenerationFinished)
    ]


def test_a_run_ends_with_predictions_scores_and_a_card(project: Project, quick: RunSettings) -> None:
    events = execute(project, quick)

    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], Finished)
    assert [record.name for record in generations(project)] == ["r001-g0", "r001-g1"]
    assert project.catalog.current_generation == find_generation(project).name
    for record in project.unlabeled():
        stored = project.read_prediction("r001-g1", record.id)
        assert stored.pseudo_label_H_W.shape == record.shape[1:]
    scores = project.catalog.scores("r001-g1", "im-fraction")
    assert scores.keys() == {record.id for record in project.unlabeled()}
    card = (project.folder / "runs" / "r001" / "card.md").read_text()
    assert "# Run r001: Inconsistency masks" in card
    assert "**Generation 0:** 2 students learned from 4 labeled images. The best 2 became teachers" in card
    assert "learned from the labeled images and from what the teachers of generation 0 say of" in card
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert len(epochs) == quick.epochs * quick.students * (quick.generations + 1)
    assert all(set(event.losses) == {"supervised"} for event in epochs)


def test_the_same_seed_gives_the_same_figures(project: Project, quick: RunSettings) -> None:
    assert figures(execute(project, quick)) == figures(execute(project, quick))


@pytest.mark.parametrize("questions", [1, 5, 9, 14, 18])
def test_a_stopped_and_resumed_run_equals_an_undisturbed_one(
    project: Project, quick: RunSettings, questions: int
) -> None:
    undisturbed = execute(project, quick)
    run = Run.create(project.folder, quick.model_dump(mode="json"))
    with pytest.raises(StopRequested):
        list(Generations(project, run, quick, after(questions)).events())

    resumed = list(Generations(project, run, quick, never).events())

    started = resumed[0]
    assert isinstance(started, RunStarted)
    assert started.resumed
    expected = {line[0]: line for line in figures(undisturbed)}
    assert {line[0]: line for line in figures(resumed)}.items() <= expected.items()
    assert resumed[-1].score == undisturbed[-1].score  # type: ignore[attr-defined]


def test_labels_painted_while_a_run_is_stopped_do_not_change_it(project: Project, quick: RunSettings) -> None:
    undisturbed = execute(project, quick)
    run = Run.create(project.folder, quick.model_dump(mode="json"))
    with pytest.raises(StopRequested):
        list(Generations(project, run, quick, after(3)).events())
    painted = project.labeled("train")[0]
    label = project.read_label(painted.id)
    assert label is not None
    project.write_label(painted.id, 1 - label.clip(0, 1))

    resumed = list(Generations(project, run, quick, never).events())

    assert figures(resumed)[-1] == figures(undisturbed)[-1]


def test_augmented_labels_and_pairs_for_wider_students(project: Project, quick: RunSettings) -> None:
    change = {
        "method": "AIM+",
        "generations": 2,
        "epochs": 1,
        "method_settings": {"foreground_filter": False},
    }
    events = execute(project, quick.model_copy(update=change))
    trained = {each.generation: each.training_images for each in events if isinstance(each, StudentStarted)}
    kept = {each.generation: each.kept for each in events if isinstance(each, GenerationFinished)}
    assert kept[0] > 0
    assert trained == {0: 40, 1: 40 + 2 * kept[0], 2: 40 + 2 * kept[1]}
    students = sorted((project.folder / "runs" / "r001" / "checkpoints").glob("g*-s0.safetensors"))
    sizes = [path.stat().st_size for path in students]
    assert sizes[0] == sizes[1] < sizes[2]


@pytest.mark.parametrize("kind", ["cells", "nuclei-instances"])
def test_three_classes_and_instances(tmp_path: Path, quick: RunSettings, kind: str) -> None:
    with make_project(tmp_path, kind) as project:
        events = execute(project, quick)
        last = [event for event in events if isinstance(event, GenerationFinished)][-1]
        assert last.metric_name == ("miou" if kind == "cells" else "ap50_pr")
        first = project.unlabeled()[0]
        stored = project.read_prediction("r001-g1", first.id)
        assert (stored.probabilities_C_H_W is not None) == (kind == "nuclei-instances")


def test_the_teachers_may_be_those_that_count_cells_best(tmp_path: Path, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"generations": 0, "students": 3, "top_k": 2, "teachers_by": "mcce"})
    with make_project(tmp_path, "brightfield-alive-dead") as project:
        execute(project, settings)
        folder = project.folder / "runs" / "r001" / "checkpoints"
        students = [read_record(StudentRecord, record_path(folder, 0, student)) for student in range(3)]
        by_count = sorted(students, key=lambda one: one.mcce or 0.0)
        assert find_generation(project).teachers == [one.member for one in by_count[:2]]
        assert all(one.mcce is not None for one in students)


def test_cells_are_counted_only_where_there_are_any(project: Project, quick: RunSettings) -> None:
    with pytest.raises(
        SettingsError, match="needs a multilabel project with the classes alive, dead, position"
    ):
        execute(project, quick.model_copy(update={"teachers_by": "mcce"}))


@pytest.mark.parametrize(("kind", "most"), [("nuclei", 1), ("nuclei-instances", 2)])
def test_validation_maps_are_kept_only_where_thresholds_are_searched(
    tmp_path: Path, quick: RunSettings, monkeypatch: pytest.MonkeyPatch, kind: str, most: int
) -> None:
    maps: list[weakref.ref[Any]] = []
    kept: list[int] = []
    mean = Ensemble.mean

    def watched(self: Ensemble, image_C_H_W: Any) -> Any:
        kept.append(sum(each() is not None for each in maps))
        found = mean(self, image_C_H_W)
        maps.append(weakref.ref(found))
        return found

    monkeypatch.setattr(Ensemble, "mean", watched)
    with make_project(tmp_path, kind, labeled=9) as project:
        execute(project, quick.model_copy(update={"generations": 0}))
    assert len(kept) == 3
    assert max(kept) == most


def test_a_classifier_needs_no_network(project: Project, quick: RunSettings) -> None:
    few = {"method": "pixel-classifier", "method_settings": {"trees": 10}}
    events = execute(project, quick.model_copy(update=few))
    assert isinstance(events[-1], Finished)
    assert events[-1].score is not None
    assert sorted(find_generation(project).teachers) == ["g0-s0.safetensors", "g0-s1.safetensors"]


def test_a_classifier_that_learns_can_be_stopped_between_images(project: Project, quick: RunSettings) -> None:
    few = {"method": "pixel-classifier", "method_settings": {"trees": 10}, "students": 1, "top_k": 1}
    settings = quick.model_copy(update=few)
    run = new_run(project, settings)
    with pytest.raises(StopRequested):
        execute(project, settings, run, after(3))
    assert not list(run.checkpoints.glob("*.safetensors")), "it had not looked at all images"
    assert isinstance(execute(project, settings, run)[-1], Finished)


def test_a_classifier_may_sit_beside_networks(project: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"companions": ("pixel-classifier",), "generations": 0})
    events = execute(project, settings)
    started = events[0]
    assert isinstance(started, RunStarted)
    assert started.students == 3
    assert "g0-s2.safetensors" in find_generation(project).teachers


@pytest.mark.parametrize(("every", "validated"), [(1, [1, 2, 3]), (3, [3])])
def test_validation_may_be_asked_for_after_every_epoch(
    project: Project, quick: RunSettings, every: int, validated: list[int]
) -> None:
    asked = {"generations": 0, "students": 1, "top_k": 1, "epochs": 3, "validate_every": every}
    events = execute(project, quick.model_copy(update={"method": "supervised", **asked}))
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [event.epoch for event in epochs if event.metric is not None] == validated


def test_one_labeled_image_trains_without_validation(tmp_path: Path, quick: RunSettings) -> None:
    with make_project(tmp_path, images=4, labeled=1) as project:
        events = execute(project, quick)
    assert any(isinstance(event, Note) and "no validation image" in event.message for event in events)
    assert isinstance(events[-1], Finished)


def test_no_labeled_image_is_one_clear_sentence(tmp_path: Path, quick: RunSettings) -> None:
    with (
        make_project(tmp_path, images=2, labeled=0) as project,
        pytest.raises(ProjectError, match="label at least one image first"),
    ):
        execute(project, quick)


def test_an_unlabeled_image_that_vanished_is_left_out(project: Project, quick: RunSettings) -> None:
    lost = project.unlabeled()[0]
    (project.folder / lost.path).resolve().unlink()
    events = execute(project, quick)
    assert any(isinstance(event, Note) and "left out" in event.message for event in events)
    assert isinstance(events[-1], Finished)


def test_an_unlabeled_image_without_a_finite_pixel_is_left_out(tmp_path: Path, quick: RunSettings) -> None:
    write_dataset("nuclei", tmp_path / "data", 8, seed=1, shape=(64, 64))
    *_, last = sorted((tmp_path / "data" / "images").iterdir())
    tifffile.imwrite(last, np.full((64, 64), np.nan, np.float32))
    (tmp_path / "data" / "labels" / last.name).unlink()
    folders = {kind: tmp_path / "data" / kind for kind in ("images", "labels")}
    with Project.create(tmp_path / "project", **folders, task="semantic") as project:
        events = execute(project, quick.model_copy(update={"epochs": 1}))
        seen = project.paths.prediction("r001-g0", project.unlabeled()[0].id)
    (left_out,) = {
        event.message for event in events if isinstance(event, Note) and last.name in event.message
    }
    assert left_out.startswith("left out: ")
    assert "holds no finite pixel, only NaN or infinity; export it again, or reject it" in left_out
    assert not seen.exists()
    assert isinstance(events[-1], Finished)


def test_too_few_students_for_the_teachers(project: Project, quick: RunSettings) -> None:
    for students, teachers, advice in ((1, 1, "students and top_k"), (1, 2, "students"), (2, 1, "top_k")):
        with pytest.raises(SettingsError, match=f"raise {advice} to 2, or let masks"):
            execute(project, quick.model_copy(update={"students": students, "top_k": teachers}))


def test_a_time_budget_is_kept(project: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"minutes": 0.1, "epochs": 10_000})
    events = execute(project, settings)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.seconds < 6 + 5


def test_a_budget_that_is_used_up_still_gives_networks(project: Project, quick: RunSettings) -> None:
    """Resumed after its time is over: every student is validated and kept, whatever the schedule."""
    settings = quick.model_copy(update={"minutes": 0.05, "epochs": 10_000, "min_steps": 1, "tile": 32})
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    (run.folder / "seconds.txt").write_text("1000")
    events = list(Generations(project, run, settings, never).events())
    assert isinstance(events[-1], Finished)
    assert len(list(run.checkpoints.glob("*.safetensors"))) == settings.students * 2


def test_a_start_that_was_interrupted_is_made_again(project: Project, quick: RunSettings) -> None:
    run = Run.create(project.folder, quick.model_dump(mode="json"))
    first = project.labeled("train")[0]
    (run.folder / "labels").mkdir()
    (run.folder / "labels" / f"{first.id}.tif").hardlink_to(project.label_path(first.id))
    before = project.label_path(first.id).read_bytes()
    events = list(Generations(project, run, quick, never).events())
    assert isinstance(events[-1], Finished)
    assert project.label_path(first.id).read_bytes() == before


@pytest.mark.parametrize("method", ["ME", "IE", "NS", "IM+", "ALDT"])
def test_the_family_runs(project: Project, quick: RunSettings, method: str) -> None:
    events = execute(project, quick.model_copy(update={"method": method}))
    assert isinstance(events[-1], Finished)
    done = [event.generation for event in events if isinstance(event, GenerationFinished)]
    assert done == ([0] if method == "ALDT" else [0, 1])


@pytest.mark.parametrize("method", ["evalnet", "IM++", "AIM++"])
@pytest.mark.parametrize("kind", ["nuclei", "cells"])
def test_evalnets_are_trained_once_and_judge(
    tmp_path: Path, quick: RunSettings, method: str, kind: str
) -> None:
    judging = {"evalnets": 1, "evalnets_trained": 2, "evalnet_alpha": 0.125, "evalnet_epochs": 1}
    with make_project(tmp_path, kind) as project:
        settings = quick.model_copy(update={"method": method, "method_settings": judging})
        events = execute(project, settings)
        checkpoints = project.folder / "runs" / "r001" / "checkpoints"
        assert isinstance(events[-1], Finished)
        assert len(list(checkpoints.glob("judge*.safetensors"))) == 2
        first = [event for event in events if isinstance(event, StudentStarted) and event.generation == 0]
        compared = settings.students if method == "evalnet" else 0
        assert len(first) == settings.students + compared
        assert isinstance(events[0], RunStarted)
        assert (events[0].first_students, events[0].judges) == (len(first), 2)
        assert sum(isinstance(event, JudgeFinished) for event in events) == 2
        assert find_generation(project, "r001-g1").generation == 1


def test_an_evalnet_run_that_was_stopped_keeps_what_was_chosen(project: Project, quick: RunSettings) -> None:
    judging = {"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.125, "evalnet_epochs": 1}
    settings = quick.model_copy(
        update={"method": "evalnet", "generations": 2, "epochs": 1, "method_settings": judging}
    )
    undisturbed = execute(project, settings)
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    for questions in (9, 7):  # in the training of the EvalNet, and in a later generation
        with pytest.raises(StopRequested):
            list(Generations(project, run, settings, after(questions)).events())
    resumed = list(Generations(project, run, settings, never).events())
    assert figures(resumed)[-1] == figures(undisturbed)[-1]


@pytest.mark.parametrize(
    "change", [{"foreign": ("tool",)}, {"generations": 0, "predicted_quality": True}], ids=["tool", "queue"]
)
def test_evalnets_that_look_at_disagreement_need_two_networks(
    project: Project, quick: RunSettings, change: dict[str, object]
) -> None:
    one = {"method": "IM++", "students": 1, "top_k": 1, "first_students": 1}
    with pytest.raises(SettingsError, match="one network only; set students=2"):
        recipe_of(quick.model_copy(update=one | change), project.problem)


def test_more_students_than_before_start_anew(project: Project, quick: RunSettings) -> None:
    more = {"warm_start": True, "first_students": 2, "students": 4, "companions": ("pixel-classifier",)}
    events = execute(project, quick.model_copy(update=more))
    assert isinstance(events[-1], Finished)
    card = (project.folder / "runs" / "r001" / "card.md").read_text()
    assert "**Generation 0:** 3 students learned from 4 labeled images" in card
    assert "**Generation 1:** 5 students learned from" in card
    assert ", 2 starting from the weights of the students before them and 2 starting anew. The best" in card
    records = [record_path(project.folder / "runs/r001/checkpoints", 1, student) for student in range(4)]
    starts = [read_record(StudentRecord, path).start for path in records]
    assert starts == ["g0-s0.safetensors", "g0-s1.safetensors", None, None]


def test_evalnets_are_not_trained_for_nothing(project: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"method": "IM++", "generations": 0, "students": 1, "top_k": 1})
    events = execute(project, settings)
    assert isinstance(events[-1], Finished)
    assert not list((project.folder / "runs" / "r001" / "checkpoints").glob("judge*"))


def test_an_image_that_is_labeled_in_part_gets_a_suggestion_too(project: Project, quick: RunSettings) -> None:
    begun, unlabeled = project.labeled("train")[0].id, {record.id for record in project.unlabeled()}
    label = project.read_label(begun)
    assert label is not None
    label[:, 32:] = UNLABELED
    project.write_label(begun, label, state="partial")
    events = execute(project, quick)
    for generation in ("r001-g0", "r001-g1"):
        assert project.read_prediction(generation, begun).pseudo_label_H_W.shape == (64, 64)
        assert set(project.catalog.scores(generation, "im-relative")) == {begun, *unlabeled}
    first = next(event for event in events if isinstance(event, GenerationFinished))
    assert first.kept <= len(unlabeled)  # it teaches with its label alone


def test_a_control_is_told_the_truth(tmp_path: Path, quick: RunSettings) -> None:
    with make_project(tmp_path) as project:
        update = {"method": "GT-IM++", "method_settings": {"foreground_filter": False}}
        write_dataset("nuclei", tmp_path / "all", 12, seed=1, shape=(64, 64))
        truth = {"truth": str(tmp_path / "all" / "labels")}
        events = execute(project, quick.model_copy(update=update | truth))
        assert isinstance(events[-1], Finished)
        started = [event for event in events if isinstance(event, StudentStarted) and event.generation == 1]
        assert all(event.training_images > 4 for event in started)
