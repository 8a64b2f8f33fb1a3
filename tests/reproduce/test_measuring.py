"""Quality on the test images, and what images without anything to find count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

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
        found = measure.quality(tmp_path / "test", blind, blind, (0.5, 0.5))
    # alive: right in one of two images; dead: right in both
    assert found.ensemble == found.students[0]
    assert found.ensemble["miou_ad"] == (0 if paper else 0.75)
    assert found.ensemble["mcce"] == 0
