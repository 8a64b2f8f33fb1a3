"""Whether the images with the larger masks are those with the worse pseudo-labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project
from napari_imseg.reproduce.ranked import RANKING, ranking_quality

SIDE = 8


def write_generation(project: Project, sizes: list[float], wrong: list[int], truth: Path) -> None:
    """Of each image so many pixels are wrong that should be foreground, and the ranking has such a score."""
    truth.mkdir()
    true = np.ones((SIDE, SIDE), np.int32)
    scores = {}
    for record, size, pixels in zip(project.unlabeled(), sizes, wrong, strict=True):
        said = true.copy()
        said.flat[:pixels] = 0
        project.write_prediction("r001-g0", record.id, said, np.zeros(said.shape, bool))
        write_mask(truth / f"{Path(record.path).stem}.tif", true)
        scores[record.id] = size
    project.catalog.set_scores("r001-g0", RANKING, scores)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for number in range(4):
        path = tmp_path / "images" / f"{number}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, np.full((SIDE, SIDE), number, np.uint8))
    return Project.create(
        tmp_path / "project", images=tmp_path / "images", task=Task.SEMANTIC, classes=("cell",)
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([0.1, 0.2, 0.3, 0.9], 1.0), ([0.9, 0.3, 0.2, 0.1], -1.0), ([0.1, 0.3, 0.2, 0.9], 0.8)],
)
def test_the_order_of_sizes_is_compared_with_that_of_errors(
    project: Project, tmp_path: Path, sizes: list[float], expected: float
) -> None:
    with project:
        write_generation(project, sizes, [1, 2, 3, 4], tmp_path / "truth")
        found = ranking_quality(project, "r001-g0", tmp_path / "truth", "iou", "perfect")
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("sizes", "wrong"), [([0.5] * 4, [1, 2, 3, 4]), ([0.1, 0.2, 0.3, 0.4], [3] * 4)])
def test_without_any_order_there_is_no_correlation(
    project: Project, tmp_path: Path, sizes: list[float], wrong: list[int]
) -> None:
    with project:
        write_generation(project, sizes, wrong, tmp_path / "truth")
        assert ranking_quality(project, "r001-g0", tmp_path / "truth", "iou", "perfect") is None
        assert ranking_quality(project, "r001-g1", tmp_path / "truth", "iou", "perfect") is None
