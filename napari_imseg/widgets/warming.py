"""Slow imports, made in a thread while nobody waits for them. No Qt."""

from __future__ import annotations

import sys


def warm_up() -> None:
    """Import what the methods and the export need."""
    import_torch()
    from napari_imseg import methods
    from napari_imseg.engine import export  # noqa: F401
    from napari_imseg.method import Method
    from napari_imseg.registry import classes_in

    classes_in(methods, Method)


def import_torch() -> None:
    """Import torch while the window goes on."""
    if "torch" not in sys.modules:
        _ask_scipy_first()
    import torch  # noqa: F401


def _ask_scipy_first() -> None:
    """Turn something, as napari does whenever it draws a volume.

    scipy looks whether what it is given is of torch, and fails while torch is half imported; but it looks
    only once for each type.
    """
    from scipy.spatial.transform import Rotation

    turned = Rotation.from_quat([0.0, 0.0, 0.0, 1.0])
    Rotation.from_matrix(turned.as_matrix()).as_euler("XYZ")
