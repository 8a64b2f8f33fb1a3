"""The four published data sets, from tiny folders that are laid out like them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_imseg.core.problem import Task
from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.inconsistency_masks.layouts import (
    CITYSCAPES_CLASSES,
    CITYSCAPES_SIZE,
    SIDE,
    SUIM_COLORS,
    read_published,
)
from tests.oracles import WorkedExample, takes


def write(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def isic(root: Path) -> None:
    for part, count in (("Training", 3), ("Validation", 1), ("Test", 1)):
        for number in range(count):
            name = f"ISIC_{part}{number}"
            mask = np.zeros((60, 80))
            mask[:30] = 255
            write(root / f"ISIC2018_Task1-2_{part}_Input" / f"{name}.jpg", noise(60, 80))
            write(root / f"ISIC2018_Task1_{part}_GroundTruth" / f"{name}_segmentation.png", mask)
        (root / f"ISIC2018_Task1-2_{part}_Input" / "LICENSE.txt").write_text("not an image")


def isic_moved(root: Path) -> None:
    for part in ("train", "val", "test"):
        write(root / "original_data" / part / "Images" / f"{part}.jpg", noise(60, 80))
        write(root / "original_data" / part / "GT" / f"{part}_segmentation.png", np.zeros((60, 80)))


def hela(root: Path) -> None:
    for part in ("train_full", "val", "test"):
        write(root / part / "brightfield" / f"{part}.tif", noise(SIDE + 44, SIDE + 204)[..., 0])
        for mask in ("alive", "dead"):
            write(
                root / part / mask / f"{part}.png", np.full((SIDE + 44, SIDE + 204), 255 * (mask == "alive"))
            )
        position = np.zeros((SIDE + 44, SIDE + 204))
        position[100:108, 50:58] = 255
        write(root / part / "position" / f"{part}.png", position)


def suim(root: Path) -> None:
    for part, count in (("train_val", 4), ("TEST", 2)):
        for number in range(count):
            colours = np.zeros((300, 400, 3))
            for place, rgb in enumerate(SUIM_COLORS.values()):
                colours[:, 50 * place : 50 * (place + 1)] = np.array(rgb) * 0.9  # masks are not quite pure
            write(root / part / "images" / f"{part}_{number}.jpg", noise(300, 400))
            write(root / part / "masks" / f"{part}_{number}.bmp", colours)


def cityscapes(root: Path) -> None:
    for part, cities in (("train", ("aachen", "bochum")), ("val", ("lindau", "munster"))):
        for city in cities:
            name = f"{city}_000000_000019"
            ids = np.repeat(np.arange(32)[:, None], 64, axis=1) * 2
            write(root / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png", noise(32, 64))
            write(root / "gtFine" / part / city / f"{name}_gtFine_labelIds.png", ids)


def test_isic_is_read_as_its_archives_unpack(tmp_path: Path) -> None:
    isic(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    assert (found.key, found.task, found.classes) == ("isic", Task.SEMANTIC, ("lesion",))
    assert [source.pool for source in found.sources] == ["train"] * 3 + ["validation", "test"]
    image, label = found.sources[0].read()
    assert image.shape == (3, SIDE, SIDE)
    assert (label[: SIDE // 2] == 1).all()
    assert (label[SIDE // 2 :] == 0).all()


@takes("im_mask_decoding", left_out=("train_parse", "iou_benchmark"))
def test_grey_borders_of_masks_have_one_threshold(case: WorkedExample, tmp_path: Path) -> None:
    """Above 127, everywhere (IM-12); the released code has four thresholds."""
    isic(tmp_path)
    (grey,), (expected,) = case.inputs["gray"], case.expected["cl_loader"]
    for path in (tmp_path / "ISIC2018_Task1_Training_GroundTruth").iterdir():
        write(path, np.repeat([grey], 60, axis=0))
    found = read_published(tmp_path)
    assert found is not None
    _, label = found.sources[0].read()
    columns = np.arange(len(grey)) * SIDE // len(grey) + SIDE // (2 * len(grey))
    assert label[0, columns].tolist() == expected == case.expected["dice_benchmark"][0]


def test_isic_is_read_as_the_released_code_wants_it(tmp_path: Path) -> None:
    isic_moved(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    assert [(source.name, source.pool) for source in found.sources] == [
        ("train", "train"),
        ("val", "validation"),
        ("test", "test"),
    ]


def test_hela_is_cut_into_overlapping_crops_with_three_masks(tmp_path: Path) -> None:
    hela(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    assert (found.key, found.task, found.metrics[0]) == ("hela", Task.MULTILABEL, "miou_ad")
    # 300 x 460 pixels, a crop every 102.4: 3 rows, 4 columns
    assert [source.pool for source in found.sources] == ["train"] * 12 + ["validation"] * 12 + ["test"] * 12
    image, label = found.sources[0].read()
    assert image.shape == (1, SIDE, SIDE)
    assert label.shape == (3, SIDE, SIDE)
    assert label[0].all()
    assert not label[1].any()
    # the only mark of its image becomes a circle of radius 3, shrunk by one pixel (IM-10)
    assert 0 < label[2].sum() < 64
    assert label[2, 100:110, 50:60].sum() == label[2].sum()


def test_suim_has_two_crops_an_image_and_eight_colours(tmp_path: Path) -> None:
    suim(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    assert found.key == "suim"
    assert [source.pool for source in found.sources] == ["train or validation"] * 8 + ["test"] * 4
    assert len({source.group for source in found.sources}) == 6
    seen = set()
    for source in found.sources:
        image, label = source.read()
        assert image.shape == (3, SIDE, SIDE)
        seen |= set(np.unique(label).tolist())
        assert np.array_equal(label, source.read()[1])  # the same crop every time
    assert seen == set(range(8))


def test_cityscapes_is_made_smaller_and_keeps_its_ids(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    assert (found.key, len(found.classes)) == ("cityscapes", len(CITYSCAPES_CLASSES))
    assert [source.pool for source in found.sources] == ["train"] * 2 + ["validation or test"] * 2
    image, label = found.sources[0].read()
    assert image.shape == (3, *CITYSCAPES_SIZE)
    assert label.shape == CITYSCAPES_SIZE
    assert set(np.unique(label).tolist()) == set(range(0, 33, 2))  # what is above 33 is unlabeled


def test_another_folder_is_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    assert read_published(tmp_path) is None


@pytest.mark.parametrize(
    ("make", "gone", "part"),
    [
        (isic, "ISIC2018_Task1-2_Test_Input", "lacks 'ISIC2018_Task1-2_Test_Input'"),
        (isic, "ISIC2018_Task1_Training_GroundTruth/ISIC_Training1_segmentation.png", "no label"),
        (hela, "val/brightfield", "lacks 'val/brightfield'"),
        (hela, "test/dead/test.png", "no label"),
        (suim, "TEST", "lacks 'TEST/images'"),
        (suim, "train_val/masks/train_val_2.bmp", "no label"),
        (cityscapes, "leftImg8bit/val", "lacks 'leftImg8bit/val'"),
        (cityscapes, "gtFine/train/aachen", "no label"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, make: Callable[[Path], None], gone: str, part: str) -> None:
    make(tmp_path)
    (tmp_path / gone).rename(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match=part):
        read_published(tmp_path)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    cityscapes(tmp_path)
    found = read_published(tmp_path)
    assert found is not None
    path = next((tmp_path / "leftImg8bit" / "train" / "aachen").iterdir())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ProjectError, match=r"aachen.* cannot be read"):
        found.sources[0].read()
