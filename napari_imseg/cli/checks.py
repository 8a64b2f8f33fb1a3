"""What ``napari-imseg doctor`` looks at: one function, one check, one sentence of advice."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_imseg.cli.screen import has_screen

LOW_DISK_GB = 5.0
LOW_MEMORY_GB = 4.0
SECONDS_FOR_QT = 60

PACKAGES = ("napari", "torch", "monai", "numpy", "scipy", "scikit-image", "mahotas", "tifffile", "pydantic")

_QT = "import qtpy; print(qtpy.API_NAME, qtpy.QT_VERSION)"

# In a process of its own: Qt ends the whole process where it finds no display.
_OPENGL = """
from vispy import app, gloo
app.use_app({api!r})
with app.Canvas(show=False) as canvas:
    print(gloo.gl.glGetParameter(gloo.gl.GL_VERSION))
"""


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes
    ----------
    found
        What there is.
    advice
        How to mend it; empty where nothing is wrong.
    essential
        Without it no command works; otherwise only napari's window is affected.
    """

    name: str
    found: str
    advice: str = ""
    essential: bool = False

    @property
    def ok(self) -> bool:
        """True where nothing is wrong."""
        return not self.advice


def all_checks() -> Iterator[Check]:
    """Every check, the fast ones first."""
    yield _python()
    yield from (_package(name) for name in PACKAGES)
    yield _memory()
    yield _disk()
    yield _cache()
    yield _device()
    yield from _screen()
    yield from _networks()


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.platform()}"
    advice = "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer and make a new environment"
    return Check("Python", found, advice, essential=True)


def _package(name: str) -> Check:
    try:
        return Check(name, importlib.metadata.version(name), essential=True)
    except importlib.metadata.PackageNotFoundError:
        advice = f'run: {Path(sys.executable).name} -m pip install "{name}"'
        return Check(name, "not installed", advice, essential=True)


def _memory() -> Check:
    import psutil

    total = psutil.virtual_memory().total / 2**30
    advice = "" if total >= LOW_MEMORY_GB else "train with small tiles: --set tile=128 --set batch_size=8"
    return Check("memory", f"{total:.1f} GB, {os.cpu_count()} CPU cores", advice)


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    advice = (
        "" if free >= LOW_DISK_GB else f"free at least {LOW_DISK_GB:.0f} GB or keep the project elsewhere"
    )
    return Check("disk (this folder)", f"{free:.1f} GB free", advice)


def _cache() -> Check:
    """Where the measured precision of this machine is remembered."""
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("napari-imseg"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("cache folder", str(folder), essential=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = f"allow writing to {folder}, or set XDG_CACHE_HOME to a folder that you can write to"
        return Check("cache folder", reason.lower(), advice, essential=True)


def _device() -> Check:
    try:
        from napari_imseg.nets.devices import choose

        return Check("device", choose("auto").description, essential=True)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        advice = "install torch again: see https://pytorch.org/get-started/locally for your machine"
        return Check("device", f"torch does not work ({error})", advice, essential=True)


def _networks() -> Iterator[Check]:
    """What each network costs on the device; measured once, a second or so for each."""
    from napari_imseg.engine.run_settings import RunSettings
    from napari_imseg.nets.names import NETWORKS

    try:
        from napari_imseg.engine.network_costs import costs_here

        costs = costs_here([RunSettings(network=name) for name in NETWORKS])
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        yield Check("networks", f"not measured ({error})", "mend what is wrong above, and look again")
        return
    for name, cost in zip(NETWORKS, costs, strict=True):
        yield Check(f"network {name}", cost)


def _screen() -> Iterator[Check]:
    """Qt, a display, and OpenGL: what napari's window needs."""
    binding, problem = _ask_python(_QT)
    if problem:
        yield Check("Qt", "no working Qt binding", 'run: python -m pip install "napari[pyqt6]"')
    else:
        yield Check("Qt", binding)
    if not has_screen():
        advice = "commands work without a screen; for the napari window log in with one, or use: xvfb-run"
        yield Check("display", "none", advice)
        return
    yield Check("display", os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform)
    if problem:
        return
    version, problem = _ask_python(_OPENGL.format(api=binding.split()[0].lower()))
    if problem:
        advice = "install OpenGL libraries (Debian/Ubuntu: apt install libgl1 libegl1) or a graphics driver"
        yield Check("OpenGL", f"not working ({problem})", advice)
    else:
        yield Check("OpenGL", version)


def _ask_python(code: str) -> tuple[str, str]:
    """What ``code`` prints in a process of its own, and the last line of its error if it fails."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS_FOR_QT, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {SECONDS_FOR_QT} seconds"
    if asked.returncode:
        lines = asked.stderr.strip().splitlines() or [f"process ended with code {asked.returncode}"]
        return "", lines[-1]
    return asked.stdout.strip(), ""
