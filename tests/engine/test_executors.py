"""Several students at a time give what one after another gives, and end together."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from napari_imseg.engine import process
from napari_imseg.engine.events import Event, Failed, Finished, GenerationFinished, Step, Stopped
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from tests.engine.conftest import execute, never, new_run, trainer_of, wait_for_the_end

pytestmark = pytest.mark.slow

TWO_EVALNETS = {"evalnets": 2, "evalnets_trained": 2, "evalnet_alpha": 0.25, "evalnet_epochs": 1}


def figures(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (event.generation, event.score, event.im_fraction, event.im_relative, event.kept, event.teachers)
        for event in events
        if isinstance(event, GenerationFinished)
    ]


def processes_of(run: Run) -> list[psutil.Process]:
    """The trainer and the processes that it has started."""
    trainer = trainer_of(run)
    return [trainer, *trainer.children()]


@pytest.mark.parametrize("method", ["inconsistency-masks", "consistency-loss"])
def test_several_processes_give_the_same_figures_as_one(
    project: Project, quick: RunSettings, method: str
) -> None:
    quick = quick.model_copy(update={"method": method})
    alone = execute(project, quick)
    side_by_side = quick.model_copy(update={"workers": 2})
    together = list(process.follow(process.start(project.folder, side_by_side), poll=0.05))
    assert isinstance(together[-1], Finished)
    assert figures(together) == figures(alone)
    count = quick.epochs * quick.students * (quick.generations + 1)
    assert sum(event.kind == "epoch" for event in together) == count  # type: ignore[attr-defined]
    assert not list((project.folder / "runs" / "r002" / "tasks").iterdir())


SHARDED = {
    "IM": {"foreground_filter": False},
    "evalnet": TWO_EVALNETS | {"threshold": 0.01},
    "IM++": TWO_EVALNETS | {"foreground_filter": False},
}
"""Methods whose unlabeled images teach; those with EvalNets train two at a time."""


def outcome(project: Project, settings: RunSettings) -> dict[str, object]:
    """Figures of a run, and by their names the bytes of all that it curated and predicted."""
    run, found = new_run(project, settings), list[Event]()
    files: dict[str, object] = {}
    for event in Generations(project, run, settings, never).events():
        found.append(event)
        if isinstance(event, GenerationFinished):  # what the next one will learn lies ready
            files |= {f"curated/{path.parent.name}/{path.name}": path.read_bytes() for path in _curated(run)}
    for path in (project.folder / "predictions").glob(f"{run.name}-g*/*.tif"):
        files[str(path.relative_to(project.folder)).replace(run.name, "run")] = path.read_bytes()
    for generation in range(settings.generations + 1):
        name = f"{run.name}-g{generation}"
        files[f"quality {generation}"] = project.catalog.scores(name, "predicted-quality")
    return files | {"figures": figures(found)}


def _curated(run: Run) -> list[Path]:
    return sorted(run.folder.glob("curated/g*/*.safetensors"))


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(("method", "last"), [("IM", 1), ("IM++", 1), ("evalnet", 2)])
def test_several_shards_teach_the_same_whoever_predicts_them(
    project: Project, quick: RunSettings, method: str, last: int
) -> None:
    update = {"method": method, "generations": last, "method_settings": SHARDED[method]}
    settings = quick.model_copy(update=update)
    alone = outcome(project, settings)
    together = outcome(project, settings.model_copy(update={"workers": 2}))
    assert [name for name in alone if name.startswith("curated")] == [
        f"curated/g{generation}/{shard:04d}.safetensors"
        for generation in range(1, last + 1)
        for shard in range(3)
    ]
    assert any(len(alone[f"curated/g1/{shard:04d}.safetensors"]) > 64 * 64 for shard in range(3))  # type: ignore[arg-type]
    assert together.keys() == alone.keys()
    assert [name for name in alone if alone[name] != together[name]] == []


@pytest.mark.parametrize(
    ("method", "term"), [("inconsistency-masks", "supervised"), ("consistency-loss", "consistency")]
)
def test_nothing_outlives_a_killed_trainer_and_the_rest_is_resumed(
    project: Project, quick: RunSettings, method: str, term: str
) -> None:
    quick = quick.model_copy(update={"method": method, "epochs": 4})
    expected = figures(execute(project, quick))
    run = process.start(project.folder, quick.model_copy(update={"workers": 2}))
    next(e for e in process.follow(run, poll=0.02) if isinstance(e, Step) and term in e.losses)
    processes = processes_of(run)
    assert len(processes) > 2
    processes[0].kill()
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Failed)
    wait_for_the_end(processes)
    _, written = run.read_events()
    process.resume(run)
    events = list(process.follow(run, poll=0.05, offset=written))
    assert isinstance(events[-1], Finished)
    assert figures(events)[-1] == expected[-1]


def test_a_stop_reaches_every_process(project: Project, quick: RunSettings) -> None:
    run = process.start(project.folder, quick.model_copy(update={"workers": 2, "epochs": 10_000}))
    next(event for event in process.follow(run, poll=0.02) if isinstance(event, Step))
    process.stop(run)
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Stopped)


def test_an_error_of_one_student_ends_the_run_with_its_sentence(project: Project, quick: RunSettings) -> None:
    run = process.start(project.folder, quick.model_copy(update={"workers": 2, "epochs": 10_000}))
    (run.checkpoints / "g0-s1.safetensors").mkdir()  # where the second student's network should go
    last = list(process.follow(run, poll=0.05))[-1]
    assert isinstance(last, Failed)
    assert "g0-s1.safetensors" in last.message
    assert "could not be written" in last.message
