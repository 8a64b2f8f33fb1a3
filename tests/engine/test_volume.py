"""Stacks of planes as volumes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.instances import in_raster_order, watershed_instances
from napari_imseg.core.metrics import instance_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine import volume
from napari_imseg.engine.model import Model
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.results import results
from napari_imseg.engine.volume import Volume, segment_volume
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask
from tests.core.scenes import balls

KINDS = ("labels", "im", "probabilities", "instances")
CUT = WatershedOptions(0.4, 0.6)


class Threshold:
    """A member for which bright is interior."""

    def __init__(self, least: float) -> None:
        self.least = least

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        inside = (images_B_C_H_W > self.least).astype(np.float32)
        return np.concatenate([1 - inside, inside, 0 * inside], axis=1)

    def save(self, path: Path) -> None:
        raise AssertionError("not saved here")


def model_of(task: Task = Task.INSTANCES, watershed: WatershedOptions = CUT) -> Any:
    project = SimpleNamespace(problem=Problem(task, 1, 3), info=SimpleNamespace(intensity="range"))
    ensemble = Ensemble([Threshold(0.2), Threshold(0.7)])
    return Model(project, SimpleNamespace(), ensemble, watershed)  # type: ignore[arg-type]


def test_a_stack_becomes_objects_that_go_through_its_planes(tmp_path: Path) -> None:
    truth = balls(np.random.default_rng(0), (12, 40, 44), 8, radius=4)
    stack = np.where(truth > 0, 0.9, 0.1).astype(np.float32)
    stack[:, 0, 0] = 0.5  # where the members disagree
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata={"axes": "ZYX"}, photometric="minisblack")
    opened = Volume.open(tmp_path / "a.tif")
    assert opened.shape == (12, 1, 40, 44)
    steps = list(segment_volume(model_of(), opened, tmp_path / "b", KINDS))
    assert steps == [("planes", plane, 12) for plane in range(1, 13)]
    found = {kind: tifffile.imread(tmp_path / f"b_{kind}.tif") for kind in KINDS}
    assert found["probabilities"].shape == (3, 12, 40, 44)
    np.testing.assert_array_equal(found["im"][:, 0, 0], 1)
    expected = watershed_instances(found["probabilities"], 0.4, 0.6)
    np.testing.assert_array_equal(found["labels"], expected)
    np.testing.assert_array_equal(found["instances"], expected)
    np.testing.assert_array_equal(read_mask(tmp_path / "b_labels.tif"), expected)
    np.testing.assert_array_equal((found["labels"] > 0), truth > 0)
    assert instance_metrics(truth, expected)["ap50_precision"] > 0.5


def test_thresholds_and_clean_up_act_in_a_volume(tmp_path: Path) -> None:
    ids = balls(np.random.default_rng(0), (12, 40, 44), 8, radius=4)
    stack = np.where(ids > 0, 0.5 + 0.05 * (ids % 8), 0.1).astype(np.float32)  # the members disagree on some
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata={"axes": "ZYX"}, photometric="minisblack")
    where, found = Volume.open(tmp_path / "a.tif"), []
    low = WatershedOptions(0.4, 0.4)
    for options in (low, replace(low, foreground_threshold=0.6), replace(low, minimum_size=10**6)):
        list(segment_volume(model_of(watershed=options), where, tmp_path / "b", ("labels", "probabilities")))
        found.append(tifffile.imread(tmp_path / "b_labels.tif"))
        maps = tifffile.imread(tmp_path / "b_probabilities.tif")
        expected = in_raster_order(watershed_instances(maps, **asdict(options)))
        np.testing.assert_array_equal(found[-1], expected)
    many, few, none = (np.count_nonzero(each) for each in found)
    assert many > few > none == 0


@pytest.mark.parametrize(
    ("kinds", "floods"), [(("im", "probabilities"), 0), (("labels",), 1), (("instances", "labels"), 1)]
)
def test_objects_are_found_once_and_only_if_they_are_wanted(
    tmp_path: Path, kinds: tuple[str, ...], floods: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[int, ...]] = []

    def flood(maps: NDArray[np.float32], **options: Any) -> NDArray[np.int32]:
        found.append(maps.shape)
        return watershed_instances(maps, **options)

    monkeypatch.setattr("napari_imseg.engine.model.watershed_instances", flood)
    tifffile.imwrite(
        tmp_path / "a.tif", np.eye(20, dtype=np.float32)[None].repeat(5, 0), metadata={"axes": "ZYX"}
    )
    list(segment_volume(model_of(), Volume.open(tmp_path / "a.tif"), tmp_path / "b", kinds))
    assert found == [(3, 5, 20, 20)] * floods
    found.clear()
    assert set(kinds) <= results(model_of(), np.eye(20, dtype=np.float32)[None], kinds).keys()
    assert found == [(3, 20, 20)] * floods


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [
        ((20, 20), "YX", "has one plane, which is no volume; leave --volume out"),
        ((3, 20, 20), "TYX", r"not those of one volume \(axes TYX\); leave --volume out"),
        ((2, 3, 20, 20), "TZYX", r"not those of one volume \(axes TZYX\)"),
        ((5, 20, 21), "ZYX", "5 x 20 x 21 voxels, but at most 2,000 fit into memory at once; crop it"),
    ],
)
def test_what_is_no_volume_gets_a_sentence(
    tmp_path: Path, shape: tuple[int, ...], axes: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "LARGEST_VOLUME", 2000)
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros(shape, np.uint8), metadata={"axes": axes}, photometric="minisblack"
    )
    with pytest.raises(ProjectError, match=words):
        Volume.open(tmp_path / "a.tif")


def test_a_semantic_project_has_no_objects_to_find_in_a_volume(tmp_path: Path) -> None:
    stack = Volume(tmp_path / "a.tif", (3, 1, 20, 20))
    with pytest.raises(ProjectError, match="need a project of instances, and this one is semantic"):
        next(segment_volume(model_of(Task.SEMANTIC), stack, tmp_path / "b", ("labels",)))
