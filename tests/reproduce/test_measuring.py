"""Quality on the test images, and what images without anything to find count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from napari_imseg.core.components import COMPONENTS
from napari_imseg.core.problem import Problem, Task
from napari_imseg.nets.saving import save_network
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.project.project import Project
from napari_imseg.reproduce import measuring
from napari_imseg.reproduce.measuring import Measure
from napari_imseg.reproduce.study import Study

NAMES = ("alive", "dead", "position")
PROBLEM = Problem(Task.MULTILABEL, 1, 3, NAMES)


@pytest.mark.parametrize("paper", [True, False])
def test_images_without_cells_count_as_in_the_published_figures(
    tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch, paper: bool
) -> None:
    """A network that finds nothing, and two images of which one holds a living cell."""
    monkeypatch.setattr(measuring, "cores", lambda: 1)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in range(2):
        masks = np.zeros((3, 32, 32), np.uint8)
        masks[0, 8:20, 8:20] = number
        tifffile.imwrite(tmp_path / "images" / f"{number}.tif", np.full((32, 32), 9, np.uint8))
        tifffile.imwrite(tmp_path / "labels" / f"{number}.tif", masks, photometric="minisblack")
    folders = {kind: tmp_path / kind for kind in ("images", "labels")}
    Project.create(tmp_path / "test", task=Task.MULTILABEL, classes=NAMES, validation=0, **folders).close()
    network = UNet1x1(1, 3, 0.125)
    torch.nn.init.constant_(network.head.bias, -1e6)
    save_network(tmp_path / "blind.safetensors", network, PROBLEM, False)
    empty = study.info.model_copy(update={"data": "hela" if paper else "folder"}).empty
    with Measure(tmp_path / "test", "cpu", empty) as measure:
        blind = [tmp_path / "blind.safetensors"]
        found = measure.quality(tmp_path / "test", blind, blind, (0.5, 0.5), "pooled")
    # alive: right in one of two images; dead: right in both
    assert found.ensemble == found.students[0]
    assert found.ensemble["miou_ad"] == (0 if paper else 0.75)
    assert found.ensemble["mcce"] == 0


def objects(*brightness: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image of squares so bright, all but touching, and their ids."""
    image, ids = np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)
    for place, value in enumerate(brightness):
        square = (slice(4, 12), slice(9 * place, 9 * place + 8))
        image[square], ids[square] = 255 * value, place + 1
    image[8, : 9 * len(brightness)] = np.maximum(image[8, : 9 * len(brightness)], 0.3 * 255)
    return image, ids


def instances(
    folder: Path, pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]], validation: float
) -> Path:
    for kind, place in (("images", 0), ("labels", 1)):
        (folder / kind).mkdir(parents=True)
        for number, pair in enumerate(pairs):
            tifffile.imwrite(folder / kind / f"{number}.tif", pair[place])
    folders = {kind: folder / kind for kind in ("images", "labels")}
    project = folder / "project"
    Project.create(project, task=Task.INSTANCES, intensity="range", validation=validation, **folders).close()
    return project


@pytest.mark.parametrize("found", [True, False])
def test_connected_components_are_measured_as_by_denoiseg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: bool
) -> None:
    """A network that takes brightness for the interior; without an object there is no threshold to find.

    Thresholds above .3 part the two objects of validation images, those up to .6 find both of them. At .6
    one of the three objects of a test image is missed; the other test image has none and is skipped.
    """
    monkeypatch.setattr(measuring, "cores", lambda: 1)
    monkeypatch.setattr(measuring, "load_member", lambda path, hardware: None)
    monkeypatch.setattr(
        measuring, "predict_image", lambda member, image: np.stack([1 - image[0], image[0], 0 * image[0]])
    )
    nothing = np.zeros((32, 32), np.uint8)
    learned = [objects(0.9 + number / 100, 0.62) for number in range(6)]
    if not found:
        learned = [(image, nothing) for image, _ in learned]
    train = instances(tmp_path / "train", learned, validation=0.5)
    test = instances(tmp_path / "test", [objects(0.95, 0.62, 0.5), (objects(0.9)[0], nothing)], validation=0)
    with Measure(test, "cpu") as measure:
        quality = measure.quality(train, [tmp_path], [tmp_path], (0.5, 0.5), "released", components=True)
        others = measure.quality(train, [tmp_path], [tmp_path], (0.5, 0.5), "released")
    assert quality.students[0].get(COMPONENTS) == (pytest.approx(2 / 3) if found else None)
    for each in (quality.ensemble, *others.students, others.ensemble):
        assert COMPONENTS not in each
        assert "s_dsb" in each
