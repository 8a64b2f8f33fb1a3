"""What networks say, on disk."""

from collections.abc import Callable

import numpy as np
import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import write_mask
from napari_imseg.project.project import Project

from .conftest import SHAPE, square


def probabilities(classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    scores = np.random.default_rng(0).random((classes, *SHAPE)).astype(np.float32)
    return scores / scores.sum(axis=0)


@pytest.mark.parametrize("highest", [1, 300, 70_000])
def test_a_prediction_is_read_as_it_was_written(project: Project, highest: int) -> None:
    image = project.catalog.images()[0].id
    im = square(3) > 0
    project.write_prediction("r001-g0", image, square(value=highest), im, probabilities(2))
    stored = project.read_prediction("r001-g0", image)
    assert np.array_equal(stored.pseudo_label_H_W, square(value=highest))
    assert stored.pseudo_label_H_W.dtype == np.int32
    assert np.array_equal(stored.im_H_W, im)
    assert stored.im_H_W.dtype == bool
    assert stored.probabilities_C_H_W is not None
    assert stored.probabilities_C_H_W.dtype == np.float32
    assert np.abs(stored.probabilities_C_H_W - probabilities(2)).max() <= 0.5 / 255 + 1e-6


def test_a_prediction_without_probabilities_replaces_one_that_has_them(project: Project) -> None:
    image = project.catalog.images()[0].id
    project.write_prediction("r001-g0", image, square(), square() > 0, probabilities(2))
    project.write_prediction("r001-g0", image, square(), square() > 0)
    assert project.read_prediction("r001-g0", image).probabilities_C_H_W is None
    assert [path.name for path in (project.paths.predictions / "r001-g0").iterdir()] == [f"{image}.tif"]


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_predictions_of_several_masks(make: Callable[..., Project], classes: int) -> None:
    project = make(task="multilabel", classes=[f"class {number}" for number in range(classes)])
    image = project.catalog.images()[0].id
    labels = np.stack([square(3 + number) for number in range(classes)])
    project.write_prediction("g", image, labels, labels[0] > 0, probabilities(classes))
    stored = project.read_prediction("g", image)
    assert np.array_equal(stored.pseudo_label_H_W, labels)
    assert np.array_equal(stored.im_H_W, labels[0] > 0)
    assert stored.probabilities_C_H_W is not None
    assert stored.probabilities_C_H_W.shape == (classes, *SHAPE)


def test_a_prediction_that_is_not_there_or_damaged_gets_a_clear_sentence(project: Project) -> None:
    image = project.catalog.images()[0].id
    with pytest.raises(ProjectError, match="does not exist"):
        project.read_prediction("r001-g0", image)
    with pytest.raises(ProjectError, match="expected a name"):
        project.write_prediction("../r001", image, square(), square() > 0)
    project.write_prediction("r001-g0", image, square(), square() > 0, probabilities(2))
    for path in (project.paths.probabilities("r001-g0", image), project.paths.prediction("r001-g0", image)):
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(ProjectError, match=r"damaged .*; train again to get it anew; no label is lost"):
            project.read_prediction("r001-g0", image)
    write_mask(project.paths.prediction("r001-g0", image), square())
    with pytest.raises(ProjectError, match="one page instead of two"):
        project.read_prediction("r001-g0", image)
