"""The workers of a dask scheduler train what one process trains, and may be lost."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from napari_imseg.engine import cluster as engine_cluster
from napari_imseg.engine import process
from napari_imseg.engine.events import Event, Failed, Finished, Note, Step
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from tests.engine.conftest import execute, make_project, trainer_of, wait_for_the_end
from tests.engine.test_executors import SHARDED, figures, outcome

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two workers, each a process with one thread; one that is killed is started again."""
    with LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as made:
        yield made


@pytest.fixture(scope="module")
def longer(quick: RunSettings) -> RunSettings:
    """A student trains long enough to be killed meanwhile."""
    return quick.model_copy(update={"epochs": 30})


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, longer: RunSettings) -> list[tuple[object, ...]]:
    """The figures of one process that nobody kills."""
    with make_project(tmp_path_factory.mktemp("alone")) as project:
        return figures(execute(project, longer))


def on(cluster: LocalCluster, settings: RunSettings) -> RunSettings:
    return settings.model_copy(update={"cluster": cluster.scheduler_address})


def followed(project: Project, settings: RunSettings) -> list[Event]:
    return list(process.follow(process.start(project.folder, settings), poll=0.05))


def pids(cluster: LocalCluster) -> list[int]:
    return [worker.pid for worker in cluster.workers.values()]


def test_a_cluster_gives_the_figures_of_one_process_even_if_a_worker_is_killed(
    project: Project, longer: RunSettings, cluster: LocalCluster, alone: list[tuple[object, ...]]
) -> None:
    run = process.start(project.folder, on(cluster, longer))
    events = process.follow(run, poll=0.02)
    together = [next(event for event in events if isinstance(event, Step))]
    os.kill(pids(cluster)[0], signal.SIGKILL)
    together += events
    assert isinstance(together[-1], Finished), together[-1]
    assert figures(together) == alone
    assert not list((run.folder / "tasks").iterdir())


@pytest.mark.usefixtures("small_shards")
def test_evalnets_and_shards_of_a_cluster_are_those_of_one_process(
    project: Project, quick: RunSettings, cluster: LocalCluster
) -> None:
    settings = quick.model_copy(update={"method": "evalnet", "method_settings": SHARDED["evalnet"]})
    alone, together = outcome(project, settings), outcome(project, on(cluster, settings))
    assert sum(name.startswith("curated") for name in alone) == 3
    assert together.keys() == alone.keys()
    assert [name for name in alone if alone[name] != together[name]] == []


def test_tasks_of_a_killed_trainer_end_and_the_run_is_resumed_on_another_cluster(
    project: Project, longer: RunSettings, cluster: LocalCluster, alone: list[tuple[object, ...]]
) -> None:
    run = process.start(project.folder, on(cluster, longer))
    next(event for event in process.follow(run, poll=0.02) if isinstance(event, Step))
    trainer = trainer_of(run)
    trainer.kill()
    assert isinstance(list(process.follow(run, poll=0.05))[-1], Failed)
    wait_for_the_end([trainer])
    with LocalCluster(1, threads_per_worker=1, dashboard_address=":0") as other:
        _, written = run.read_events()
        process.resume(run, other.scheduler_address)
        events = list(process.follow(run, poll=0.05, offset=written))
    assert isinstance(events[-1], Finished), events[-1]
    assert figures(events)[-1] == alone[-1]


def test_who_trains_is_told(project: Project, quick: RunSettings, cluster: LocalCluster) -> None:
    cluster.wait_for_workers(2)  # one was killed, and may still be starting
    notes = [event.message for event in followed(project, on(cluster, quick)) if isinstance(event, Note)]
    assert f"trained by 2 workers of the cluster at {cluster.scheduler_address}" in notes


def test_a_scheduler_that_does_not_answer_is_a_sentence(project: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"cluster": "nowhere"})
    last = followed(project, settings)[-1]
    assert isinstance(last, Failed)
    assert "no dask scheduler answers at 'nowhere'; start one with: dask scheduler" in last.message


def test_what_a_cluster_needs_is_named_as_in_the_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ProjectError) as told:
        engine_cluster._connect("tcp://nowhere:8786")
    install = 'pip install ".[cluster]"'
    assert install in str(told.value)
    assert install in (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_workers_with_several_threads_are_refused(project: Project, quick: RunSettings) -> None:
    with LocalCluster(1, threads_per_worker=2, dashboard_address=":0") as cluster:
        last = followed(project, on(cluster, quick))[-1]
    assert isinstance(last, Failed)
    assert "--nthreads 1" in last.message
