"""Unlabeled images that students see: read once, in shards, and objectives that learn from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_imseg.engine import curated, training_set, unlabeled
from napari_imseg.engine.events import (
    Epoch,
    Event,
    Finished,
    GenerationFinished,
    Note,
    RunStarted,
    StudentStarted,
)
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import StudentRecord, ranked, read_record, record_path
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.methods.consistency_loss import ConsistencyLoss
from napari_imseg.nets.saving import load_network
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from tests.engine.conftest import after, execute, make_project, never, new_run


@pytest.fixture
def cl(quick: RunSettings) -> RunSettings:
    """A run of consistency loss: epochs of 2 labeled and 3 unlabeled steps."""
    return quick.model_copy(update={"method": "consistency-loss", "tile": 64})


def figures(events: list[Event]) -> list[tuple[object, ...]]:
    """Everything that must not depend on when a run was interrupted, or where it was done."""
    return [
        (event.generation, event.score, event.im_fraction, event.im_relative, event.kept, event.teachers)
        for event in events
        if isinstance(event, GenerationFinished)
    ]


def weights(run: Run, member: str) -> dict[str, torch.Tensor]:
    network, _ = load_network(run.checkpoints / member)
    return network.state_dict()


def students(run: Run, generation: int, count: int = 2) -> list[StudentRecord]:
    paths = [record_path(run.checkpoints, generation, number) for number in range(count)]
    return [read_record(StudentRecord, path) for path in paths]


# --- shards ---------------------------------------------------------------------------------


@pytest.fixture
def room(project: Project, cl: RunSettings) -> Room:
    """The room of a run that has read nothing yet."""
    settings = cl.model_copy(update={"unlabeled_limit": 5})
    run = new_run(project, settings)
    training_set.freeze(project, run)
    return Room.open(project, run, settings, never)


def test_a_shard_holds_the_images_as_networks_see_them(room: Room) -> None:
    ((path, ids),) = unlabeled.shards(room).items()
    assert len(set(ids)) == 5, "no more than the limit of the run"
    assert list(unlabeled.write_shard(room, path, ids)) == []
    assert [example.name for example in room.unlabeled] == ids
    for example in room.unlabeled:
        image = room.project.network_image(example.name)
        np.testing.assert_array_equal(example.image_C_H_W, image.astype(np.float16), strict=True)
        assert isinstance(example.image_C_H_W, np.memmap), "memory stays bounded"
        assert (example.target_H_W == -1).all()
        assert example.target_H_W.shape == image.shape[1:]


def test_shards_are_few_files_of_few_images_in_the_order_of_the_draw(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlabeled, "SHARD", 2)
    whole = unlabeled.shards(room)
    assert [len(ids) for ids in whole.values()] == [2, 2, 1]
    assert [image_id for _, ids in sorted(whole.items()) for image_id in ids] == room.drawn(0)
    assert unlabeled.shards(room) == whole
    monkeypatch.setattr(unlabeled, "MOST_SHARDS", 2)
    assert [len(ids) for ids in unlabeled.shards(room).values()] == [3, 2]


def test_nothing_is_read_for_who_learns_labels_alone(project: Project, quick: RunSettings) -> None:
    for settings in (quick, quick.model_copy(update={"method": "supervised"})):
        events = execute(project, settings)
        assert not any(isinstance(event, Note) and "reading" in event.message for event in events)


def test_an_unlabeled_image_that_vanished_is_left_out(project: Project, cl: RunSettings) -> None:
    lost = project.unlabeled()[0]
    (project.folder / lost.path).resolve().unlink()
    events = execute(project, cl)
    assert any(isinstance(event, Note) and "left out" in event.message for event in events)
    started = [event for event in events if isinstance(event, StudentStarted)]
    assert [event.training_images for event in started] == [4, 4, 4 + 5, 4 + 5]
    assert isinstance(events[-1], Finished)


def test_without_a_readable_image_nothing_is_trained(project: Project, cl: RunSettings) -> None:
    for record in project.unlabeled():
        (project.folder / record.path).resolve().unlink()
    run = new_run(project, cl)
    with pytest.raises(ProjectError, match=r"none of the unlabeled images .* can be read; link them again"):
        execute(project, cl, run)
    assert not list(run.checkpoints.iterdir())


# --- runs of consistency loss ---------------------------------------------------------------


def test_generation_0_is_supervised_and_the_next_starts_from_its_best(
    project: Project, cl: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = cl.model_copy(update={"averaging": 0.0})
    run = new_run(project, settings)
    taken: list[Path] = []
    start_of = Room.start_of

    def watched(room: Room, generation: int, student: int) -> Path | None:
        path = start_of(room, generation, student)
        taken.extend([path] if path else [])
        return path

    monkeypatch.setattr(Room, "start_of", watched)
    events = execute(project, settings, run)

    started = events[0]
    assert isinstance(started, RunStarted)
    assert started.generations == 1
    assert [record.method for record in students(run, 0)] == ["supervised"] * 2
    assert [record.method for record in students(run, 1)] == ["consistency-loss"] * 2
    best = ranked(students(run, 0))[0].member
    assert taken == [run.checkpoints / best] * 2
    terms = [set(event.losses) for event in events if isinstance(event, Epoch)]
    assert terms == [{"supervised"}] * 4 + [{"supervised", "consistency"}] * 4
    finished = [event for event in events if isinstance(event, GenerationFinished)]
    assert [event.kept for event in finished] == [6, 0]
    assert isinstance(events[-1], Finished)
    assert not (run.folder / "curated").exists(), "what was read is removed at the end"


def test_students_start_with_the_weights_of_the_teacher(project: Project, cl: RunSettings) -> None:
    """With next to no learning rate and no mean, they still have them at the end."""
    still = {"learning_rate": 1e-12, "weight_decay": 0.0}
    settings = cl.model_copy(update={"averaging": 0.0, "epochs": 1, "method_settings": still})
    run = new_run(project, settings)
    execute(project, settings, run)
    teacher = weights(run, ranked(students(run, 0))[0].member)
    others = weights(run, ranked(students(run, 0))[1].member)
    learned = [name for name in teacher if name.endswith(".weight") and "conv" in name]
    assert learned
    for record in students(run, 1):
        mine = weights(run, record.member)
        for name in learned:
            torch.testing.assert_close(mine[name], teacher[name], rtol=0, atol=1e-6)
            assert not torch.allclose(mine[name], others[name], atol=1e-3)


def test_generation_0_is_the_one_of_supervised_training(project: Project, cl: RunSettings) -> None:
    run, alone = new_run(project, cl), new_run(project, cl)
    execute(project, cl, run)
    execute(project, cl.model_copy(update={"method": "supervised"}), alone)
    for record in students(run, 0):
        mine, other = weights(run, record.member), weights(alone, record.member)
        assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_settings_of_the_same_name_hold_for_generation_0(project: Project, cl: RunSettings) -> None:
    given = {"learning_rate": 0.01, "position_target": 2.0, "strength": "high"}
    settings = cl.model_copy(update={"method_settings": given})
    recipe = recipe_of(settings, project.problem)
    (first, start), (second, rest) = recipe.loss(0), recipe.loss(1)
    assert (first.name, second.name) == ("supervised", "consistency-loss")
    assert start.model_dump().items() <= rest.model_dump().items()
    assert start.model_dump()["learning_rate"] == 0.01


@pytest.mark.parametrize("questions", [0, 11, 13, 25])
def test_a_stopped_and_resumed_run_equals_an_undisturbed_one(
    project: Project, cl: RunSettings, questions: int
) -> None:
    undisturbed = new_run(project, cl)
    expected = figures(execute(project, cl, undisturbed))
    run = new_run(project, cl)
    with pytest.raises(StopRequested):
        list(Generations(project, run, cl, after(questions)).events())
    resumed = execute(project, cl, run)
    assert figures(resumed)[-1] == expected[-1]
    for record in students(run, 1):
        mine, other = weights(run, record.member), weights(undisturbed, record.member)
        assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_what_was_read_before_a_stop_is_not_read_again(
    project: Project, cl: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlabeled, "SHARD", 2)
    run = new_run(project, cl)
    with pytest.raises(StopRequested):
        list(Generations(project, run, cl, after(2)).events())
    folder = run.folder / "curated" / "unlabeled"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    assert len(before) == 2
    with pytest.raises(StopRequested):
        list(Generations(project, run, cl, after(3)).events())
    assert len(curated.read(folder)) == 6
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


@pytest.mark.parametrize("kind", ["cells", "nuclei-instances", "brightfield-alive-dead"])
def test_every_task(tmp_path: Path, cl: RunSettings, kind: str) -> None:
    with make_project(tmp_path, kind) as project:
        events = execute(project, cl)
        assert isinstance(events[-1], Finished)
        last = [event for event in events if isinstance(event, Epoch)][-1]
        assert last.losses["consistency"] > 0
        assert last.losses["supervised"] > 0


def test_fewer_unlabeled_images_than_a_batch(tmp_path: Path, cl: RunSettings) -> None:
    with make_project(tmp_path, images=7, labeled=6) as project:
        events = execute(project, cl.model_copy(update={"batch_size": 4}))
    assert isinstance(events[-1], Finished)
    assert all(event.losses for event in events if isinstance(event, Epoch))


def test_without_unlabeled_images_it_is_one_clear_sentence(tmp_path: Path, cl: RunSettings) -> None:
    with make_project(tmp_path, images=6, labeled=6) as project:
        run = new_run(project, cl)
        with pytest.raises(ProjectError, match=r"consistency-loss learns from unlabeled images, .* add more"):
            execute(project, cl, run)
    assert not list(run.folder.glob("checkpoints/*"))


def test_a_time_budget_is_kept(project: Project, cl: RunSettings) -> None:
    events = execute(project, cl.model_copy(update={"minutes": 0.1, "epochs": 10_000}))
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.seconds < 6 + 5


# --- paired with a curator ------------------------------------------------------------------


def paired(settings: RunSettings, method: str, **update: object) -> RunSettings:
    return settings.model_copy(update={"method": method, "objective": "consistency-loss", **update})


def test_a_curator_and_the_loss_together(project: Project, quick: RunSettings) -> None:
    lenient = {"foreground_filter": False}
    settings = paired(quick, "inconsistency-masks", generations=2, epochs=1, method_settings=lenient)
    run = new_run(project, settings)
    events = execute(project, settings, run)
    methods = [students(run, generation)[0].method for generation in range(3)]
    assert methods == ["supervised", "consistency-loss", "consistency-loss"]
    kept = {event.generation: event.kept for event in events if isinstance(event, GenerationFinished)}
    images = {e.generation: e.training_images for e in events if isinstance(e, StudentStarted)}
    assert images == {0: 4, 1: 4 + kept[0] + 6, 2: 4 + kept[1] + 6}


def test_augmented_labels_and_the_loss_together(project: Project, quick: RunSettings) -> None:
    events = execute(project, paired(quick, "ALDT", epochs=1))
    images = [event.training_images for event in events if isinstance(event, StudentStarted)]
    assert images == [40, 40, 46, 46]
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    ("method", "update", "advice"),
    [
        ("inconsistency-masks", {"generations": 0}, "set generations to 1 or more"),
        ("noisy-student", {"generations": 2}, "set alpha_step to 0"),
    ],
)
def test_pairs_that_cannot_start_from_a_network_are_refused(
    project: Project, quick: RunSettings, method: str, update: dict[str, object], advice: str
) -> None:
    with pytest.raises(SettingsError, match=advice):
        execute(project, paired(quick, method, **update))
    narrow = {"method_settings": {"alpha_step": 0.0}} if method == "noisy-student" else {}
    settings = paired(quick, method, **update | {"generations": 2, "epochs": 1} | narrow)
    assert isinstance(execute(project, settings)[-1], Finished)


# --- objectives that see unlabeled images beside labeled ones -------------------------------


def test_beside_from_generation_0(project: Project, cl: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsistencyLoss, "needs_unlabeled", "beside")
    monkeypatch.setattr(ConsistencyLoss, "starts_from", "")
    undisturbed = new_run(project, cl)
    events = execute(project, cl, undisturbed)
    terms = [set(event.losses) for event in events if isinstance(event, Epoch)]
    assert terms == [{"supervised", "consistency"}] * 4
    started = [event for event in events if isinstance(event, StudentStarted)]
    assert [(event.generation, event.training_images) for event in started] == [(0, 10), (0, 10)]
    assert {event.steps for event in started} == {2 * 6 // 2}, "each unlabeled crop once an epoch"

    run = new_run(project, cl)
    for questions in (3, 9):
        with pytest.raises(StopRequested):
            list(Generations(project, run, cl, after(questions)).events())
    assert figures(execute(project, cl, run)) == figures(events)
    for record in students(run, 0):
        mine, other = weights(run, record.member), weights(undisturbed, record.member)
        assert all(torch.equal(mine[name], other[name]) for name in mine)
