"""Small folders of images and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import settings

from napari_imseg.project.project import Project

SHAPE = (24, 32)

reproducible = settings(derandomize=True, deadline=None)
"""The same examples every time, and no haste on a busy machine."""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six grey 8-bit images, ``cell_1.tif`` to ``cell_6.tif``, all different."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1, 7):
        pixels = np.random.default_rng(number).integers(0, 255, SHAPE, dtype=np.uint8)
        tifffile.imwrite(folder / f"cell_{number}.tif", pixels)
    return folder


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels of the first five images: a square of 1 on 0."""
    folder = tmp_path / "labels"
    folder.mkdir()
    for number in range(1, 6):
        tifffile.imwrite(folder / f"cell_{number}.tif", square(number))
    return folder


@pytest.fixture
def make(tmp_path: Path, images: Path) -> Iterator[Callable[..., Project]]:
    """Make projects that are closed after the test; ``make(task=..., labels=...)``."""
    opened: list[Project] = []

    def create(folder: str = "project", **wishes: Any) -> Project:
        project = Project.create(tmp_path / folder, **{"images": images, "task": "semantic", **wishes})
        opened.append(project)
        return project

    yield create
    for project in opened:
        project.close()


@pytest.fixture
def project(make: Callable[..., Project]) -> Project:
    """A semantic project of six unlabeled images."""
    return make()


def square(side: int = 8, value: int = 1) -> np.ndarray[Any, np.dtype[np.int32]]:
    """A label: a square of ``value`` on background."""
    label = np.zeros(SHAPE, np.int32)
    label[4 : 4 + side, 4 : 4 + side] = value
    return label
