"""Images that are predicted without ever being in memory as a whole."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine import large, prediction
from napari_imseg.engine.large import LargeImage, segment_large
from napari_imseg.engine.model import Model
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.results import results
from napari_imseg.project import images
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask
from tests.core.scenes import discs

KINDS = ("labels", "im", "probabilities", "instances")
CUT = WatershedOptions(0.35, 0.45)


class Smooth:
    """A member that sees objects where the image is bright; what it says depends on the window's end."""

    def __init__(self, problem: Problem, sigma: float) -> None:
        self.problem, self.sigma = problem, sigma

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        grey = images_B_C_H_W.mean(axis=1)
        core = ndimage.gaussian_filter(grey, (0, self.sigma, self.sigma))
        wide = np.maximum(core, ndimage.gaussian_filter(grey, (0, 2 * self.sigma, 2 * self.sigma)))
        maps = [1 - wide, core, wide - core]
        if self.problem.classes == 2:
            maps = [1 - core, core]
        return np.stack(maps, axis=1).astype(np.float32)

    def save(self, path: Path) -> None:
        raise AssertionError("not saved here")


class Bright:
    """A member for which bright is interior, each pixel by itself."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        maps = [1 - images_B_C_H_W, images_B_C_H_W, 0 * images_B_C_H_W]
        return np.concatenate(maps[: self.classes], axis=1)

    def save(self, path: Path) -> None:
        raise AssertionError("not saved here")


def model_of(
    task: Task,
    channels: int = 1,
    classes: int = 3,
    *,
    quick: bool = False,
    watershed: WatershedOptions = CUT,
) -> Any:
    problem = Problem(task, channels, classes)
    project = SimpleNamespace(problem=problem, info=SimpleNamespace(intensity="percentile"))
    members = [Bright(classes)] if quick else [Smooth(problem, 1.5), Smooth(problem, 2.5)]
    return Model(project, SimpleNamespace(), Ensemble(members), watershed)  # type: ignore[arg-type]


def picture(height: int, width: int) -> NDArray[np.uint16]:
    """Crowded bright objects; pieces of one scene side by side."""
    ids = discs(np.random.default_rng(0), 300, 200, radius=10)
    scene = np.where(ids > 0, 2000 + 100 * (ids % 7), 200).astype(np.uint16)
    return np.tile(scene, (height // 300 + 1, width // 300 + 1))[:height, :width]


@pytest.fixture(autouse=True)
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several stripes and tiles; and the image that is predicted in memory is blended from windows, too."""
    monkeypatch.setattr(large, "STRIPE_VALUES", 6 * 512 * 600)
    monkeypatch.setattr(large, "TILE", 256)
    monkeypatch.setattr(prediction, "LARGEST_WHOLE", 0)


@pytest.mark.parametrize(
    ("task", "classes", "kinds"),
    [
        (Task.INSTANCES, 3, KINDS),
        (Task.SEMANTIC, 2, KINDS),
        (Task.MULTILABEL, 3, ("labels", "im", "probabilities")),
    ],
)
def test_files_hold_what_the_image_gets_in_memory(
    tmp_path: Path, task: Task, classes: int, kinds: tuple[str, ...]
) -> None:
    image = picture(540, 700)
    tifffile.imwrite(tmp_path / "a.tif", image)
    model, target = model_of(task, classes=classes), tmp_path / "out" / "a"
    steps = list(segment_large(model, LargeImage(tmp_path / "a.tif", None, (1, *image.shape), target), kinds))
    assert [done for _, done, total in steps if done == total]
    expected = results(model, normalise(image[None], "percentile"), kinds)
    assert {path.name for path in target.parent.iterdir()} == {f"a_{kind}.tif" for kind in kinds}
    for kind in kinds:
        found = tifffile.imread(target.parent / f"a_{kind}.tif")
        np.testing.assert_array_equal(found, expected[kind])
    if "instances" in kinds:
        ids = expected["instances"]
        assert np.unique(ids).tolist() == list(range(ids.max() + 1))
        assert ids.max() > 100
    assert read_mask(target.parent / "a_labels.tif").shape == expected["labels"].shape


def test_objects_are_cleaned_up_as_in_memory_or_refused(tmp_path: Path) -> None:
    image = picture(300, 400)
    tifffile.imwrite(tmp_path / "a.tif", image)
    large_image = LargeImage(tmp_path / "a.tif", None, (1, *image.shape), tmp_path / "out" / "a")
    model = model_of(Task.INSTANCES, watershed=replace(CUT, minimum_size=120))
    list(segment_large(model, large_image, ("labels",)))
    expected = results(model, normalise(image[None], "percentile"), ("labels",))["labels"]
    found = tifffile.imread(tmp_path / "out" / "a_labels.tif")
    assert np.bincount(found.ravel()).min() >= 120
    np.testing.assert_array_equal(found, expected)
    for change in (replace(CUT, fill_holes=True), replace(CUT, drop_seedless=False)):
        with pytest.raises(ProjectError, match="too large for --fill-holes and --keep-seedless"):
            list(segment_large(model_of(Task.INSTANCES, watershed=change), large_image, ("labels",)))


def test_a_plane_of_a_compressed_stack_and_a_colour_png(tmp_path: Path) -> None:
    stack = np.stack([picture(530, 400), picture(630, 400)[100:], picture(530, 400)[:, ::-1]])
    tifffile.imwrite(
        tmp_path / "a.tif", stack, compression="zlib", metadata={"axes": "ZYX"}, photometric="minisblack"
    )
    colours = (np.stack([picture(530, 400)] * 3, axis=-1) // 12).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "b.png")
    for path, plane, whole in [
        (tmp_path / "a.tif", 1, stack[1][None]),
        (tmp_path / "b.png", None, np.moveaxis(colours, -1, 0)),
    ]:
        model = model_of(Task.INSTANCES, len(whole))
        list(segment_large(model, LargeImage(path, plane, whole.shape, tmp_path / "c"), ("labels",)))
        expected = results(model, normalise(whole, "percentile"), ("labels",))["labels"]
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "c_labels.tif"), expected)


def test_a_thin_image_lower_than_the_stride_of_networks(tmp_path: Path) -> None:
    image = picture(300, 900)[100:107]
    tifffile.imwrite(tmp_path / "a.tif", image)
    model = model_of(Task.INSTANCES)
    list(
        segment_large(
            model, LargeImage(tmp_path / "a.tif", None, (1, 7, 900), tmp_path / "b"), ("instances",)
        )
    )
    found = tifffile.imread(tmp_path / "b_instances.tif")
    expected = results(model, normalise(image[None], "percentile"), ("instances",))["instances"]
    np.testing.assert_array_equal(found, expected)
    assert found.any()


def test_an_image_without_objects(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((600, 600), 7, np.uint8))
    image = LargeImage(tmp_path / "a.tif", None, (1, 600, 600), tmp_path / "b")
    list(segment_large(model_of(Task.INSTANCES), image, ("labels",)))
    assert not tifffile.imread(tmp_path / "b_labels.tif").any()


@pytest.mark.parametrize("cut", [WatershedOptions(0.3, 0.6), WatershedOptions(0.6, 0.35)])
def test_thresholds_act_as_in_memory_whichever_is_higher(tmp_path: Path, cut: WatershedOptions) -> None:
    image = picture(300, 400)
    tifffile.imwrite(tmp_path / "a.tif", image)
    large_image = LargeImage(tmp_path / "a.tif", None, (1, *image.shape), tmp_path / "a")
    model = model_of(Task.INSTANCES, watershed=cut)
    list(segment_large(model, large_image, ("labels",)))
    expected = results(model, normalise(image[None], "percentile"), ("labels",))["labels"]
    default = results(model_of(Task.INSTANCES), normalise(image[None], "percentile"), ("labels",))["labels"]
    assert (expected != default).any()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_labels.tif"), expected)


def test_more_than_65535_objects_get_ids_of_their_own(tmp_path: Path) -> None:
    image = np.zeros((530, 530), np.uint8)
    image[::2, ::2] = 255
    tifffile.imwrite(tmp_path / "a.tif", image)
    large_image = LargeImage(tmp_path / "a.tif", None, (1, 530, 530), tmp_path / "b")
    list(segment_large(model_of(Task.INSTANCES, quick=True), large_image, ("labels",)))
    found = tifffile.imread(tmp_path / "b_labels.tif")
    assert found.dtype == np.uint32
    assert found[image > 0].tolist() == list(range(1, 265 * 265 + 1))


def test_nothing_is_left_behind_by_a_failure_or_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(900, 900))
    out = tmp_path / "out"
    image = LargeImage(tmp_path / "a.tif", None, (1, 900, 900), out / "b")
    steps = segment_large(model_of(Task.INSTANCES), image, ("labels",))
    next(steps)
    assert [path.name.startswith(".napari-imseg-") for path in out.iterdir()] == [True]
    steps.close()  # type: ignore[attr-defined]
    assert not list(out.iterdir())
    with pytest.raises(ProjectError, match="cannot share one image"):
        next(segment_large(model_of(Task.MULTILABEL), image, ("instances",)))
    damaged = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(damaged[: len(damaged) // 2])
    with pytest.raises(ProjectError, match="copy it again"):
        list(segment_large(model_of(Task.INSTANCES), image, ("labels",)))
    assert not list(out.iterdir())


def test_a_disk_without_room_for_what_lies_between_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(600, 600))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=7_199_999))
    image = LargeImage(tmp_path / "a.tif", None, (1, 600, 600), tmp_path / "out" / "b")
    with pytest.raises(ProjectError, match=r"0\.0 GB free, but 0\.0 GB are needed .*another folder"):
        next(segment_large(model_of(Task.INSTANCES), image, ("labels",)))
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("task", "classes"), [(Task.SEMANTIC, 2), (Task.INSTANCES, 3)])
def test_memory_does_not_grow_with_the_image(tmp_path: Path, task: Task, classes: int) -> None:
    """Of numpy arrays; `tests/benchmarks/bench_large.py` measures the whole process."""
    peaks = []
    for height in (1200, 3600):
        path = tmp_path / f"{height}.tif"
        tifffile.imwrite(path, picture(height, 600))
        image = LargeImage(path, None, (1, height, 600), tmp_path / "b")
        steps = segment_large(model_of(task, classes=classes, quick=True), image, ("labels",))
        list(segment_large(model_of(task, classes=classes, quick=True), image, ("labels",)))  # imports
        tracemalloc.start()
        list(steps)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_windows_of_files_are_parts_of_the_image(tmp_path: Path) -> None:
    image = picture(90, 70)
    tifffile.imwrite(tmp_path / "a.tif", image)
    tifffile.imwrite(
        tmp_path / "b.tif", np.stack([image] * 3, axis=-1), photometric="rgb", compression="zlib"
    )
    Image.fromarray(image.astype(np.uint8)).save(tmp_path / "c.png")
    for name in ("a.tif", "b.tif", "c.png"):
        whole = images.read(tmp_path / name)
        read = images.windows(tmp_path / name)
        np.testing.assert_array_equal(read((10, 20, 33, 5)), whole[:, 10:43, 20:25])
