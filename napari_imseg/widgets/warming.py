"""Slow imports, made in a thread while nobody waits for them. No Qt."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# In this order; symbols of the first are seen by all, as torch itself loads it.
_LIBRARIES: Final = (("libtorch_global_deps", "RTLD_GLOBAL"), ("libtorch_python", "RTLD_LOCAL"))


def warm_up() -> None:
    """Import what the methods and the export need."""
    import_torch()
    from napari_imseg import methods
    from napari_imseg.engine import export  # noqa: F401
    from napari_imseg.method import Method
    from napari_imseg.registry import classes_in

    classes_in(methods, Method)


def import_torch() -> None:
    """Import torch so that the window goes on meanwhile.

    Python loads the libraries of a module while no other thread may run, for half a second in the case of
    torch; so they are loaded here first, by a call that lets other threads run. A library that is not
    there, as on Windows, is left to torch.
    """
    if "torch" not in sys.modules:
        _ask_scipy_first()
    spec = find_spec("torch")
    if os.name == "posix" and spec is not None and spec.origin is not None:
        load = ctypes.CDLL(None).dlopen
        load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
        for name, scope in _LIBRARIES:
            for path in sorted((Path(spec.origin).parent / "lib").glob(f"{name}.*")):
                load(os.fsencode(path), os.RTLD_NOW | getattr(os, scope))
    import torch  # noqa: F401


def _ask_scipy_first() -> None:
    """Turn something, as napari does whenever it draws a volume.

    scipy looks whether what it is given is of torch, and fails while torch is half imported; but it looks
    only once for each type.
    """
    from scipy.spatial.transform import Rotation

    turned = Rotation.from_quat([0.0, 0.0, 0.0, 1.0])
    Rotation.from_matrix(turned.as_matrix()).as_euler("XYZ")
