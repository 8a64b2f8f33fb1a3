"""``train``: what it prints, what it refuses before any work, and how it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_imseg.project.runs import Run, runs
from tests.cli.conftest import TINY, Call, assert_refused, spawn

NewProject = Callable[..., Path]


def test_events_as_json_lines(call: Call, new_project: NewProject) -> None:
    result = call("train", new_project(), "--method", "LDT", "--students", 1, "--top-k", 1, *TINY, "--json")
    assert result.exit_code == 0, result.output
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert kinds[0] == "run-started"
    assert kinds[-1] == "finished"
    assert "generation-finished" in kinds


def test_a_finished_run_ends_with_its_generations(call: Call, new_project: NewProject) -> None:
    result = call("train", new_project(), "--method", "supervised", "--students", 1, "--top-k", 1, *TINY)
    assert result.exit_code == 0, result.output
    assert "Generations" in result.stdout
    assert "best generation 0" in result.stderr


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--method", "magic"], ["unknown method 'magic'", "inconsistency-masks"]),
        (["--with", "magic"], ["unknown method 'magic'"]),
        (["--set", "erosoin=3"], ["unknown setting 'erosoin'", "erosion", "learning_rate", "epochs"]),
        (["--set", "erosion=99"], ["erosion", "a whole number from 0 to 31, got '99'"]),
        (["--set", "erosion=2"], ["erosion: a square around a pixel has an odd side", "got '2'"]),
        (["--set", "erosion"], ["name=value"]),
        (["--students", "0"], ["students: expected a whole number from 1 to 20, got '0'"]),
        (["--students", "1", "--top-k", "1"], ["at least 2 teachers"]),
        (["--students", "two"], ["--students", "integer"]),
        (["--method", "supervised", "--with", "supervised"], ["leave out --with"]),
        (["--set", "network=resnet"], ["network", "unet-1x1", "efficientnet-b7", "resnet"]),
        (["--set", "weights=imagenet"], ["1x1 U-Net has none", "network=efficientnet-b0"]),
        (["--method", "IM+", "--set", "network=efficientnet-b0"], ["students get wider", "alpha_step=0"]),
    ],
)
def test_mistakes_are_told_before_any_work(
    call: Call, new_project: NewProject, options: list[str], parts: list[str]
) -> None:
    project = new_project()
    assert_refused(call("train", project, *options), 2, *parts)
    assert runs(project) == []


def test_weights_that_are_not_there(
    call: Call, new_project: NewProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project()
    monkeypatch.chdir(tmp_path)
    result = call("train", project, "--set", "network=efficientnet-b0", "--set", "weights=b0.pth")
    assert_refused(result, 1, f"there is no file of weights '{tmp_path / 'b0.pth'}'", "weights=imagenet")
    assert runs(project) == []


def test_a_control_without_its_truth(call: Call, new_project: NewProject) -> None:
    project = new_project()
    assert_refused(call("train", project, "--method", "GT-IM++"), 2, "set truth to the folder")
    assert runs(project) == []


def test_a_device_that_is_not_there(call: Call, new_project: NewProject) -> None:
    project = new_project()
    assert_refused(call("train", project, "--device", "cuda:97"), 1, "cuda:97", "cpu")
    assert runs(project) == []


def test_without_a_label_there_is_nothing_to_train_on(call: Call, new_project: NewProject) -> None:
    project = new_project(labeled=0)
    assert_refused(call("train", project), 1, "labeled")
    assert runs(project) == []


def test_one_label_is_enough_to_start(call: Call, new_project: NewProject) -> None:
    result = call("train", new_project(labeled=1), "--generations", 0, "--students", 2, *TINY)
    assert result.exit_code == 0, result.output
    assert "no validation image" in result.stderr


def test_an_image_that_was_deleted_is_named(call: Call, cells: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for path in (cells / "images").iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    project = tmp_path / "project"
    call("new", project, "--images", images, "--labels", cells / "labels", "--task", "semantic")
    for path in images.iterdir():
        path.unlink()
    result = call("train", project, "--method", "LDT", "--students", 1, "--top-k", 1, *TINY)
    assert_refused(result, 1, "is gone")


def test_a_label_that_was_deleted_is_named(call: Call, new_project: NewProject) -> None:
    project = new_project()
    label = sorted((project / "labels").glob("*.tif"))[0]
    label.unlink()
    assert_refused(call("train", project, *TINY), 1, f"the label '{label}' is gone", "labels/history")


def test_a_second_run_is_refused_while_one_is_at_work(call: Call, new_project: NewProject) -> None:
    project = new_project()
    run = Run.create(project, {"method": "supervised"})
    with run.lock.acquire(timeout=0):
        assert_refused(call("train", project, *TINY), 1, "r001 is already training")


def test_resume_refuses_other_settings_and_unknown_runs(call: Call, trained: Path) -> None:
    assert_refused(call("train", trained, "--resume", "r001", "--students", "4"), 2, "--students")
    assert_refused(call("train", trained, "--resume", "r001", "--seed", "0"), 2, "--seed")
    assert_refused(call("train", trained, "--resume", "r001", "--generations", "0"), 2, "--generations")
    assert_refused(call("train", trained, "--resume", "r009"), 1, "no run 'r009'", "r001")
    assert_refused(call("train", trained, "--resume", "r001"), 1, "finished")


@pytest.mark.slow
def test_ctrl_c_stops_and_resume_goes_on(call: Call, new_project: NewProject) -> None:
    project = new_project()
    process = spawn(
        "train", project, "--students", 2, "--generations", 0, "--set", "epochs=2000", *TINY[2:], cwd=project
    )
    _wait_for_training(project, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"resume with: napari-imseg train {project} --resume r001" in told
    assert "Traceback" not in told
    (run,) = runs(project)
    assert run.state == "stopped"
    settings = run.folder / "settings.json"
    settings.write_text(settings.read_text().replace('"epochs": 2000', '"epochs": 3'))
    resumed = call("train", project, "--resume", "r001", "--json")
    assert resumed.exit_code == 0, resumed.output
    events = [json.loads(line) for line in resumed.stdout.splitlines()]
    assert (events[0]["kind"], events[0]["resumed"]) == ("run-started", True)
    assert "stopped" not in {event["kind"] for event in events}
    assert events[-1]["kind"] == "finished"


def _wait_for_training(project: Path, process: subprocess.Popen[str]) -> None:
    while not any('"kind":"epoch"' in line for run in runs(project) for line in run.read_events()[0]):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
