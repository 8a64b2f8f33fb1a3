"""Reading everything that is shown of an image, and what was read ahead."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.project import Project
from napari_imseg.widgets import loading
from napari_imseg.widgets.loading import ShownCache, contrast, hatch, limits, load

GENERATION = "r001-g0"


@pytest.fixture
def project(make_project):
    with Project.open(make_project()) as opened:
        yield opened


@pytest.fixture
def image_id(project):
    return project.catalog.images()[0].id


def test_an_image_without_label_and_prediction(project, image_id):
    shown = load(project, image_id, "")
    assert shown.picture.shape == (64, 64)
    assert (shown.label == UNLABELED).all()
    assert shown.label.dtype == np.int32
    assert shown.prediction is None
    assert load(project, image_id, GENERATION).prediction is None


def test_label_and_prediction_are_read(project, image_id):
    label = np.full((64, 64), UNLABELED, np.int32)
    label[:5] = 2
    im = np.zeros((64, 64), bool)
    im[10:20, 10:20] = im[40:42, 40:42] = True
    project.write_label(image_id, label, state="partial")
    project.write_prediction(GENERATION, image_id, label.clip(0), im)
    shown = load(project, image_id, GENERATION)
    assert (shown.label == label).all()
    assert shown.prediction.pseudo_label.dtype == np.uint8
    assert (shown.prediction.pseudo_label == label.clip(0)).all()
    assert shown.prediction.islands[0] == (slice(10, 20), slice(10, 20))
    assert shown.prediction.im_fraction == pytest.approx(104 / 4096)


def test_instances_are_flooded_from_probabilities(make_project):
    with Project.open(make_project(task="instances", classes=["cell"])) as project:
        image_id = project.catalog.images()[0].id
        interior = np.zeros((64, 64), np.int32)
        interior[10:20, 10:20] = interior[40:50, 40:50] = 1
        project.write_prediction(GENERATION, image_id, interior, np.zeros((64, 64), bool))
        pseudo_label = load(project, image_id, GENERATION).prediction.pseudo_label
        assert sorted(np.unique(pseudo_label)) == [0, 1, 2]


def test_hatching_stays_inside_and_has_two_tones():
    im = np.zeros((400, 300), bool)
    im[100:200, 50:250] = True
    hatched = hatch(im)
    assert ((hatched > 0) == im).all()
    tones = np.bincount(hatched[im])
    assert min(tones[1:]) > 0.4 * im.sum()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 4, 4), np.uint16),
        np.full((1, 4, 4), np.nan, np.float32),
        np.array([[[np.inf, 1.0]]], np.float32),
    ],
)
def test_odd_images_have_a_range_to_draw(image):
    for low, high in (contrast(image), limits(image)):
        assert np.isfinite(low)
        assert low < high


def test_colour_images_are_drawn_as_they_are():
    assert contrast(np.zeros((3, 4, 4), np.uint8)) == (0, 255)


def test_cache_reads_once_and_forgets_the_oldest(project, monkeypatch):
    reads = []
    monkeypatch.setattr(loading, "load", lambda _, image_id, __: reads.append(image_id) or image_id)
    cache = ShownCache(2)
    for image_id in ("a", "b", "a", "c", "a"):
        cache.read(project, image_id, "")
    assert reads == ["a", "b", "c", "a"]


def test_what_changes_while_it_is_read_is_not_kept(project, monkeypatch):
    reading, gate = threading.Event(), threading.Event()

    def slow(*_: object) -> str:
        reading.set()
        gate.wait(60)
        return "stale"

    monkeypatch.setattr(loading, "load", slow)
    cache = ShownCache(2)
    thread = threading.Thread(target=cache.read, args=(project, "a", ""))
    thread.start()
    assert reading.wait(60)
    cache.forget("a")
    gate.set()
    thread.join()
    assert cache.get("a", "") is None
