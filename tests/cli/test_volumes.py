"""``predict --volume`` and ``evaluate --volume``: the planes of a project as one volume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected_parts
from typer.testing import Result

from napari_imseg.core.instances import in_raster_order, watershed_instances
from napari_imseg.core.metrics import instance_metrics
from napari_imseg.core.thresholds import find_thresholds
from tests.cli.conftest import TINY, Call, assert_refused

LARGE = ("--minimum-size", 10**6)
ALL_OF_IT = ("--foreground-threshold", 0, "--seed-threshold", 0, "--keep-seedless")


class Stack(NamedTuple):
    """A project that was trained on the planes of ``stack.tif``, whose ids are ``truth``."""

    project: Path
    images: Path
    labels: Path
    truth: NDArray[np.int32]

    @property
    def folders(self) -> tuple[object, ...]:
        return ("--images", self.images, "--labels", self.labels)


@pytest.fixture
def stack(call: Call, cells: Path, tmp_path: Path) -> Stack:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        planes = np.stack([tifffile.imread(path) for path in sorted((cells / name).iterdir())])
        if name == "labels":  # the planes are images of their own, whose ids have nothing in common
            planes = connected_parts(planes, connectivity=3).astype(np.uint16)
        write(tmp_path / name / "stack.tif", planes)
    found = Stack(tmp_path / "project", tmp_path / "images", tmp_path / "labels", planes.astype(np.int32))
    ready(call("new", found.project, *found.folders, "--task", "instances"))
    ready(call("train", found.project, "--method", "supervised", "--students", 1, *TINY, "--device", "cpu"))
    return found


def write(path: Path, planes: NDArray[np.generic]) -> None:
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, planes, metadata={"axes": "ZYX"}, photometric="minisblack")


def ready(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def predicted(call: Call, stack: Stack, out: Path, *options: object) -> NDArray[np.int32]:
    """Ids of the volume."""
    ready(call("predict", stack.project, stack.images, "--out", out, "--volume", *options))
    ids: NDArray[np.int32] = tifffile.imread(out / "stack_labels.tif")
    return ids


def test_the_planes_of_a_project_become_one_volume(call: Call, stack: Stack, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert predicted(call, stack, out, "--save", "labels,probabilities").shape == (10, 64, 64)
    assert not predicted(call, stack, tmp_path / "none", *LARGE).any(), "no object is so large"
    volume = tifffile.imread(out / "stack_probabilities.tif")
    assert volume.shape == (3, 10, 64, 64)
    above_0 = volume[0] < 1  # nearly everything
    np.testing.assert_array_equal(predicted(call, stack, tmp_path / "all", *ALL_OF_IT) > 0, above_0)
    ready(call("predict", stack.project, stack.images, "--out", tmp_path / "all", *ALL_OF_IT))
    ready(call("predict", stack.project, stack.images, "--out", out, "--save", "probabilities"))
    for plane in range(10):  # each is predicted by itself
        found = tifffile.imread(tmp_path / "all" / f"stack-p{plane:04d}_labels.tif") > 0
        np.testing.assert_array_equal(found, above_0[plane])
        alone = tifffile.imread(out / f"stack-p{plane:04d}_probabilities.tif")
        np.testing.assert_allclose(volume[:, plane], alone, atol=1e-6)
    true = stack.truth > 0
    share = (true & above_0).mean(axis=(1, 2)) / (true | above_0).mean(axis=(1, 2))
    for options, expected in ((LARGE, ~true.any(axis=(1, 2))), (ALL_OF_IT, share)):
        measured = ready(call("evaluate", stack.project, *stack.folders, *options, "--json", "-"))
        images = json.loads(measured.stdout)["images"].values()
        np.testing.assert_allclose([one["iou"] for one in images], expected)
        assert "10 of 10 images are labeled in the project" in measured.stderr


def test_objects_of_volumes_are_measured_in_three_dimensions(
    call: Call, stack: Stack, tmp_path: Path
) -> None:
    ids = predicted(call, stack, tmp_path / "out")
    whole = ready(call("evaluate", stack.project, *stack.folders, "--volume", "--json", "-"))
    assert "10 of 10 planes are labeled in the project" in whole.stderr
    expected = instance_metrics(stack.truth, ids)
    assert json.loads(whole.stdout) == {"overall": expected, "images": {"stack.tif": expected}}

    label = stack.images / "labels" / "stack.tif"  # a folder of labels among the images
    write(label, (stack.truth > 0).astype(np.uint8))
    folders = ("--images", stack.images, "--labels", label.parent)
    parts = ready(call("evaluate", stack.project, *folders, "--volume", "--json", "-"))
    assert "masks without instance ids were read as one instance for each connected part" in parts.stderr
    split, _ = ndimage.label(stack.truth > 0)
    assert json.loads(parts.stdout)["overall"] == instance_metrics(split, ids)


def test_thresholds_can_be_searched_on_volumes(call: Call, stack: Stack, tmp_path: Path) -> None:
    folders = (*stack.folders, "--volume", "--smooth-planes", 0.5, "--minimum-size", 3)
    found = json.loads(
        ready(call("evaluate", stack.project, *folders, "--find-thresholds", "--json", "-")).stdout
    )
    smooth = ("--smooth-planes", 0.5, "--save", "probabilities")
    ready(call("predict", stack.project, stack.images, "--out", tmp_path, "--volume", *smooth))
    expected = find_thresholds([tifffile.imread(tmp_path / "stack_probabilities.tif")], [stack.truth])
    thresholds = found.pop("thresholds")
    assert thresholds == {"foreground": expected.foreground, "seed": expected.seed}
    told = ready(call("evaluate", stack.project, *folders, "--find-thresholds"))
    given = [f"--{name}-threshold {value:.2f}" for name, value in thresholds.items()]
    assert " ".join([*given, "--volume", "--smooth-planes 0.5"]) in " ".join(told.stdout.split())
    assert "the figures are too good" in told.stderr
    options = " ".join(given).split()
    assert (
        json.loads(ready(call("evaluate", stack.project, *folders, *options, "--json", "-")).stdout) == found
    )


def test_thresholds_can_be_searched_on_images(call: Call, stack: Stack, tmp_path: Path) -> None:
    folders = (*stack.folders, "--json", "-")
    best = json.loads(ready(call("evaluate", stack.project, *folders, "--find-thresholds")).stdout)
    ready(call("predict", stack.project, stack.images, "--out", tmp_path, "--save", "probabilities"))
    planes = [tifffile.imread(tmp_path / f"stack-p{plane:04d}_probabilities.tif") for plane in range(10)]
    expected = find_thresholds(planes, [*stack.truth])
    assert best["thresholds"] == {"foreground": expected.foreground, "seed": expected.seed}
    assert best["thresholds"] != {"foreground": 0.75, "seed": 0.7}, "which a run without validation has"
    assert best["overall"]["ap50_pr"] == pytest.approx(expected.score)


def test_thresholds_that_are_given_are_not_searched(call: Call, stack: Stack) -> None:
    options = ("--find-thresholds", "--seed-threshold", 0.5)
    assert_refused(call("evaluate", stack.project, *stack.folders, *options), 2, "or the search")


def test_planes_are_smoothed_before_objects_are_found(call: Call, stack: Stack, tmp_path: Path) -> None:
    both = ("--save", "labels,probabilities", "--foreground-threshold", 0.4, "--seed-threshold", 0.4)
    predicted(call, stack, tmp_path / "rough", *both)
    ids = predicted(call, stack, tmp_path / "smooth", *both, "--smooth-planes", 1.5)
    rough, smooth = (
        tifffile.imread(tmp_path / name / "stack_probabilities.tif") for name in ("rough", "smooth")
    )
    expected = ndimage.gaussian_filter(rough, (0, 1.5, 0, 0), mode="nearest")
    np.testing.assert_allclose(smooth, expected, atol=1e-6)
    np.testing.assert_allclose(smooth.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(ids, in_raster_order(watershed_instances(smooth, 0.4, 0.4)))
    assert ids.any()
    assert (ids != tifffile.imread(tmp_path / "rough" / "stack_labels.tif")).any()
    folders = (*stack.folders, "--volume", *both[2:], "--smooth-planes", 1.5)
    measured = json.loads(ready(call("evaluate", stack.project, *folders, "--json", "-")).stdout)
    assert measured["overall"] == instance_metrics(stack.truth, ids)
    flat = ("--smooth-planes", 1.5)
    assert_refused(call("evaluate", stack.project, *stack.folders, *flat), 2, "give --volume as well")
    refused = call("predict", stack.project, stack.images, "--out", tmp_path / "flat", *flat)
    assert_refused(refused, 2, "give --volume as well")


def test_labels_that_do_not_fit_their_volume_are_refused(call: Call, stack: Stack) -> None:
    write(stack.labels / "stack.tif", stack.truth[:5])
    refused = call("evaluate", stack.project, *stack.folders, "--volume")
    assert_refused(refused, 1, "expected 10 x 64 x 64 like its image, got 5 x 64 x 64")
    (stack.labels / "stack.tif").rename(stack.labels / "other.tif")
    refused = call("evaluate", stack.project, *stack.folders, "--volume")
    assert_refused(refused, 1, "no label file in", "has the name of a volume")
    colours = np.random.default_rng(0).integers(0, 255, (10, 64, 64, 3), np.uint8)
    tifffile.imwrite(stack.images / "other.tif", colours, metadata={"axes": "ZYXS"}, photometric="rgb")
    refused = call("evaluate", stack.project, *stack.folders, "--volume")
    assert_refused(refused, 1, "other.tif' has 3 channels", "have 1")


def test_a_volume_that_cannot_be_is_refused(call: Call, trained: Path, cells: Path, tmp_path: Path) -> None:
    image = sorted((cells / "images").iterdir())[0]
    refused = call("predict", trained, image, "--out", tmp_path / "o", "--volume")
    assert_refused(refused, 1, "has one plane, which is no volume; leave --volume out")
    tifffile.imwrite(
        tmp_path / "stack.tif",
        np.zeros((3, 64, 64), np.uint8),
        metadata={"axes": "ZYX"},
        photometric="minisblack",
    )
    refused = call("predict", trained, tmp_path / "stack.tif", "--out", tmp_path / "o", "--volume")
    assert_refused(refused, 1, "need a project of instances, and this one is semantic")
    folders = ("--images", cells / "images", "--labels", cells / "labels")
    assert_refused(call("evaluate", trained, *folders, "--volume"), 1, "need a project of instances")
    assert_refused(call("evaluate", trained, *folders, "--find-thresholds"), 2, "is about objects")
