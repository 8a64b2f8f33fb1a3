"""Runs on disk."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.runs import Run, runs


def age(run: Run, seconds: float = 120) -> None:
    """Make a run look as if it had been created a while ago."""
    path = run.folder / "settings.json"
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_runs_are_numbered_and_found_again(tmp_path: Path) -> None:
    created = [Run.create(tmp_path, {"method": "supervised", "seed": number}) for number in range(3)]
    assert [run.name for run in created] == ["r001", "r002", "r003"]
    assert [run.settings["seed"] for run in runs(tmp_path)] == [0, 1, 2]
    again = Run.open(created[1].folder)
    assert again.settings == {"method": "supervised", "seed": 1}
    assert again.project_folder == tmp_path.resolve()
    assert again.checkpoints.is_dir()
    versions = json.loads((again.folder / "versions.json").read_text())
    assert versions["python"] == sys.version.split()[0]
    assert versions["numpy"]


def test_runs_beyond_999_stay_in_order(tmp_path: Path) -> None:
    Run.create(tmp_path, {})
    (tmp_path / "runs" / "r001").rename(tmp_path / "runs" / "r999")
    Run.create(tmp_path, {})
    assert [run.name for run in runs(tmp_path)] == ["r999", "r1000"]


def test_two_that_start_at_once_get_runs_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda number: Run.create(tmp_path, {"seed": number}).name, range(24)))
    assert sorted(names) == [f"r{number:03d}" for number in range(1, 25)]


def test_what_is_not_a_run_is_refused_and_not_listed(tmp_path: Path) -> None:
    assert runs(tmp_path) == []
    (tmp_path / "runs" / "r001").mkdir(parents=True)  # half made
    (tmp_path / "runs" / "notes").mkdir()
    assert runs(tmp_path) == []
    with pytest.raises(ProjectError, match=r"is not a run \(it has no settings.json\)"):
        Run.open(tmp_path / "runs" / "r001")
    run = Run.create(tmp_path, {})
    (run.folder / "settings.json").write_text("{")
    with pytest.raises(ProjectError, match="cannot be read"):
        Run.open(run.folder)


def as_written_by(run: Run, schema: int | None) -> None:
    """Make the settings of a run look as if another version had written them."""
    path = run.folder / "settings.json"
    settings = json.loads(path.read_text()) | {"schema": schema}
    path.write_text(json.dumps({name: value for name, value in settings.items() if value is not None}))


@pytest.mark.parametrize(
    ("schema", "written", "meant"),
    [
        (None, "paper", "class-less"),  # runs of the first version do not say which it is
        (1, "paper", "class-less"),
        (None, "code", "code"),
        (2, "paper", "paper"),
        (2, "class-less", "class-less"),
    ],
)
def test_settings_of_an_older_run_mean_what_they_meant(
    tmp_path: Path, schema: int | None, written: str, meant: str
) -> None:
    run = Run.create(tmp_path, {"method_settings": {"refill": written, "erosion": 3}})
    assert run.settings == {"method_settings": {"refill": written, "erosion": 3}}
    as_written_by(run, schema)
    found = Run.open(run.folder).settings
    assert found == {"method_settings": {"refill": meant, "erosion": 3}, "threshold_search": "released"}


@pytest.mark.parametrize("place", ["method_settings", "objective_settings"])
def test_runs_of_before_gave_boundaries_of_pseudo_labels_the_weight_of_labels(
    tmp_path: Path, place: str
) -> None:
    for own, meant in (({"boundary_weight": 5.0}, 5.0), ({"erosion": 3}, None)):
        run = Run.create(tmp_path, {place: own})
        assert "pseudo_boundary_weight" not in run.settings[place], (
            "a run of today has its own, or the default"
        )
        as_written_by(run, 2)
        assert Run.open(run.folder).settings[place].get("pseudo_boundary_weight") == meant


def test_denoiseg_called_its_weight_as_the_width_of_networks_is_called(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {"alpha": 0.25, "objective_settings": {"alpha": 0.7}})
    as_written_by(run, 3)
    meant = {"alpha": 0.25, "objective_settings": {"denoising_weight": 0.7}, "threshold_search": "released"}
    assert Run.open(run.folder).settings == meant


def test_runs_of_before_searched_thresholds_as_the_released_code(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {"seed": 1})
    assert "threshold_search" not in run.settings, "a run of today has its own, or the default"
    as_written_by(run, 4)
    assert Run.open(run.folder).settings == {"seed": 1, "threshold_search": "released"}


@pytest.mark.parametrize("given", [{}, {"learning_rate": 0.01}])
def test_runs_of_before_began_actis_with_the_step_size_of_the_paper(
    tmp_path: Path, given: dict[str, float]
) -> None:
    run = Run.create(tmp_path, {"objective": "actis", "objective_settings": given, "method_settings": {}})
    as_written_by(run, 4)
    settings = Run.open(run.folder).settings
    assert settings["objective_settings"] == {"learning_rate": 0.001} | given
    assert settings["method_settings"] == {}


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    as_written_by(run, 6)
    with pytest.raises(ProjectError, match="schema 6 is of a newer napari-imseg"):
        Run.open(run.folder)


@pytest.mark.parametrize("settings", [{"a": object()}, {"a": float("nan")}])
def test_settings_must_be_json(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ProjectError, match="expected settings that JSON can hold"):
        Run.create(tmp_path, settings)
    assert runs(tmp_path) == []


def test_events_are_read_from_where_one_stopped(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    assert run.read_events(0) == ([], 0)
    run.append_event('{"kind": "step", "message": "zwölf"}')
    lines, offset = run.read_events(0)
    assert lines == ['{"kind": "step", "message": "zwölf"}']
    run.append_event('{"kind": "epoch"}')
    assert run.read_events(offset) == (['{"kind": "epoch"}'], run.events_path.stat().st_size)
    assert Run.open(run.folder).read_events()[0] == [*lines, '{"kind": "epoch"}']


def test_a_line_that_is_only_half_written_is_not_read_yet(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    run.append_event('{"kind": "step"}')
    with run.events_path.open("a") as file:
        file.write('{"kind": "ep')
    lines, offset = run.read_events(0)
    assert lines == ['{"kind": "step"}']
    with run.events_path.open("a") as file:
        file.write('och"}\n')
    assert run.read_events(offset)[0] == ['{"kind": "epoch"}']


def test_a_resumed_run_removes_the_half_line_of_a_killed_one(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    run.append_event('{"kind": "step"}')
    with run.events_path.open("a") as file:
        file.write('{"kind": "ep')
    resumed = Run.open(run.folder)
    resumed.append_event('{"kind": "run-started"}')
    resumed.append_event('{"kind": "step"}')
    assert [json.loads(line)["kind"] for line in run.read_events()[0]] == ["step", "run-started", "step"]


def test_a_full_disk_leaves_complete_events(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    run.append_event('{"kind": "step"}')
    run.events_path.unlink()
    run.events_path.symlink_to("/dev/full")
    with pytest.raises(ProjectError, match=r"could not be written .*; free some space and resume the run"):
        run.append_event('{"kind": "step"}')


def test_a_run_can_be_asked_to_stop(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    assert not run.stop_requested()
    run.request_stop()
    assert Run.open(run.folder).stop_requested()
    run.clear_stop()
    run.clear_stop()
    assert not run.stop_requested()


@pytest.mark.parametrize("last", ["finished", "stopped", "failed"])
def test_the_state_follows_from_the_last_event(tmp_path: Path, last: str) -> None:
    run = Run.create(tmp_path, {})
    assert run.state == "running"  # its process is starting
    age(run)
    assert run.state == "died"
    run.append_event('{"kind": "run-started"}')
    run.append_event(json.dumps({"kind": last}))
    assert run.state == last
    run.append_event('{"kind": "run-started"}')
    assert run.state == "died"
    with run.lock:
        assert run.state == "running"


def test_a_resumed_run_is_running_before_its_first_event(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    run.append_event('{"kind": "stopped"}')
    with run.lock:
        assert run.state == "running"
    assert run.state == "stopped"


HOLDER = """
import sys
from pathlib import Path
from napari_imseg.project.runs import Run
run = Run.open(Path(sys.argv[1]))
with run.lock:
    run.append_event('{"kind": "run-started"}')
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    assert not run.is_running()
    command = [sys.executable, "-c", HOLDER, str(run.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == "ready\n"
        assert (run.is_running(), run.state) == (True, "running")
        trainer.kill()
    assert (run.is_running(), run.state) == (False, "died")


@pytest.mark.parametrize("text", ["no settings", "[]"])
def test_a_damaged_run_does_not_hide_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    whole, damaged = Run.create(tmp_path, {}), Run.create(tmp_path, {})
    (damaged.folder / "settings.json").write_text(text)
    assert [run.name for run in runs(tmp_path)] == [whole.name]
    assert "r002/settings.json' cannot be read" in caplog.text
    with pytest.raises(ProjectError, match="restore it, or start a new run"):
        Run.open(damaged.folder)
