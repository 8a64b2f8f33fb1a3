"""What training needs is imported before anybody asks for it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from napari_imseg.widgets import session

NEEDED = ("torch", "napari_imseg.methods.actis", "napari_imseg.engine.export", "skimage.measure")


def test_warming_up_imports_what_training_and_export_need() -> None:
    code = "import sys; from napari_imseg.widgets.warming import warm_up; warm_up(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(NEEDED) <= set(done.stdout.split())


def test_scipy_turns_volumes_while_torch_is_half_imported() -> None:
    code = """
import builtins, sys
from napari_imseg.widgets.warming import import_torch
import_module, turned = builtins.__import__, []

def importing(name, *rest):
    if "torch" in sys.modules and not hasattr(sys.modules["torch"], "Tensor") and not turned:
        turned.append(name)
        from scipy.spatial.transform import Rotation  # as napari does when it draws
        matrix = Rotation.from_quat([0.0, 0.0, 0.0, 1.0]).as_matrix()
        Rotation.from_euler("XYZ", Rotation.from_matrix(matrix).as_euler("XYZ"))
    return import_module(name, *rest)

builtins.__import__ = importing
import_torch()
print(len(turned))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "1", done.stderr


@pytest.mark.gui
def test_an_open_project_warms_up_in_a_thread(dock, make_project, qtbot, monkeypatch):
    threads = []
    monkeypatch.setattr(session, "warm_up", lambda: threads.append(threading.current_thread()))
    dock.session.open_project(make_project())
    qtbot.waitUntil(lambda: len(threads) == 1)
    assert threads[0] is not threading.main_thread()
