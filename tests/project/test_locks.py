"""One editor at a time."""

import os
import subprocess
import sys

import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.locks import starting
from napari_imseg.project.project import Project

EDITOR = """
import sys
from napari_imseg.project.project import Project
with Project.open(sys.argv[1], exclusive=True):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_second_editor_is_told_who_has_the_project(project: Project) -> None:
    project.close()
    command = [sys.executable, "-c", EDITOR, str(project.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as editor:
        assert editor.stdout is not None
        assert editor.stdout.readline() == "ready\n"
        words = rf"is open in another program \(process {editor.pid} on .*\); close it there first"
        with pytest.raises(ProjectError, match=words):
            Project.open(project.folder, exclusive=True)
        with Project.open(project.folder) as reader:  # a trainer may still read and write
            assert reader.catalog.count() == 6
        editor.kill()
    with Project.open(project.folder, exclusive=True):
        pass


def test_a_second_editor_in_the_same_program_is_refused_too(project: Project) -> None:
    with Project.open(project.folder, exclusive=True):
        with pytest.raises(ProjectError, match=f"process {os.getpid()}"):
            Project.open(project.folder, exclusive=True)
        (project.folder / "editor.json").write_text("{")  # half a note says nothing, the lock still holds
        with pytest.raises(ProjectError, match="another program; close it"):
            Project.open(project.folder, exclusive=True)
    with Project.open(project.folder, exclusive=True) as again:
        again.close()
        again.close()


def test_a_project_that_cannot_be_opened_is_not_left_locked(project: Project) -> None:
    project.close()
    catalog = project.paths.catalog.read_bytes()
    project.paths.catalog.write_bytes(b"damaged" * 100)
    with pytest.raises(ProjectError, match="is damaged"):
        Project.open(project.folder, exclusive=True)
    project.paths.catalog.write_bytes(catalog)
    with Project.open(project.folder, exclusive=True):
        pass


def test_two_runs_are_never_started_at_once(project: Project) -> None:
    with starting(project.folder):
        words = "another program is starting a run in this project"
        with pytest.raises(ProjectError, match=words), starting(project.folder):
            pass
    with starting(project.folder):
        pass


def test_a_folder_in_which_no_run_can_start_is_told(project: Project) -> None:
    (project.folder / "runs").touch()
    words = r"runs' cannot be written \(.*\); make the folder writable"
    with pytest.raises(ProjectError, match=words), starting(project.folder):
        pass
