"""Whole test images first, then tiles that stay on the side of their image, then nested label samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.actis.tiles import Bounds, read_tiles
from napari_imseg.reproduce.splits import label_sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 images of 40 x 50 with two objects; numbers 1 and 2 are copies of number 0."""
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    label = np.zeros((40, 50), np.uint16)
    label[2:10, 10:20], label[20:30, 5:12] = 7, 9
    for number in range(20):
        if number not in (1, 2):
            image = rng.integers(0, 255, (40, 50)).astype(np.uint8)
        tifffile.imwrite(tmp_path / "images" / f"{number:02d}.tif", image)
        tifffile.imwrite(tmp_path / "labels" / f"{number:02d}.tif", label)
    return tmp_path


def test_images_are_on_one_side_and_test_images_stay_whole(folder: Path) -> None:
    data, sets = read_tiles(folder, Bounds(tile=16), seed=3)
    images = [
        {name.split("_")[0] for name in names} for names in (sets.unlabeled, sets.validation, sets.test)
    ]
    assert sum(map(len, images)) == len(set.union(*images)) == 20
    copies = {"00", "01", "02"}
    assert sorted(len(found & copies) for found in images) == [0, 0, 3]
    assert all("_" not in name for name in sets.test)
    assert len(sets.unlabeled) == len(images[0]) * 2 * 3  # tiles of 16 in 40 x 50
    assert sets.labeled == ()
    shapes = {source.pool: source.read()[0].shape for source in data.sources}
    assert shapes == {"test": (1, 40, 50), "validation": (1, 16, 16), "train": (1, 16, 16)}


def test_tiles_are_cut_from_image_and_label_alike_and_a_divided_object_is_two(folder: Path) -> None:
    data, _ = read_tiles(folder, Bounds(tile=16), seed=3)
    tile = next(source for source in data.sources if source.name.endswith("_0_16"))
    image, label = tile.read()
    whole = tifffile.imread(folder / "images" / f"{tile.group}.tif")
    np.testing.assert_array_equal(image, normalise(whole[None], "percentile")[:, :16, 16:32])
    np.testing.assert_array_equal(np.argwhere(label), np.argwhere(np.ones((8, 4))) + np.array([2, 0]))
    assert label.max() == 1


def test_unlabeled_pixels_stay_unlabeled(folder: Path) -> None:
    label = np.zeros((40, 50), np.uint16)
    label[2:10, 10:20], label[20:30, 5:12] = 7, 65535
    text = '{"napari-imseg": 1, "unlabeled": 65535}'
    for path in (folder / "labels").iterdir():
        tifffile.imwrite(path, label, description=text, metadata=None)
    data, _ = read_tiles(folder, Bounds(tile=16), seed=3)
    _, ids = next(source for source in data.sources if source.pool == "test").read()
    assert (ids[label == 65535] == UNLABELED).all()
    assert (ids[label == 7] == 1).all()
    assert ids.max() == 1


def test_tiles_show_the_intensities_of_their_image_or_are_raw_and_normalised_by_themselves(
    folder: Path,
) -> None:
    data, _ = read_tiles(folder, Bounds(tile=16), seed=3)
    paper, _ = read_tiles(folder, Bounds(tile=16, tiles_by_themselves=True), seed=3)
    assert (data.intensity, paper.intensity) == ("range", "unclipped")
    for one, raw in zip(data.sources, paper.sources, strict=True):
        image = tifffile.imread(folder / "images" / f"{one.group}.tif")
        shown, untouched = one.read()[0], raw.read()[0]
        assert shown.dtype == np.float32
        assert shown.min() >= 0
        assert shown.max() <= 1
        assert untouched.dtype == np.uint8
        low, high = np.percentile(image, (0.1, 99.8))
        np.testing.assert_allclose(shown, np.clip((untouched - low) / (high - low), 0, 1), atol=1e-6)


def test_the_same_seed_draws_the_same_and_bounds_leave_a_part_of_it(folder: Path) -> None:
    _, every = read_tiles(folder, Bounds(tile=16), seed=3)
    assert read_tiles(folder, Bounds(tile=16), seed=3)[1] == every
    assert read_tiles(folder, Bounds(tile=16), seed=4)[1] != every
    _, part = read_tiles(folder, Bounds(tile=16, training=10, validation=5), seed=3)
    assert (len(part.unlabeled), len(part.validation), part.test) == (10, 5, every.test)
    assert set(part.unlabeled) < set(every.unlabeled)
    assert set(part.validation) < set(every.validation)


def test_images_smaller_than_a_tile_are_told(folder: Path) -> None:
    with pytest.raises(ProjectError, match="leave none of 64 x 64 pixels for the validation set"):
        read_tiles(folder, Bounds(tile=64), seed=0)


def test_a_smaller_label_sample_is_a_part_of_a_larger_one() -> None:
    names = [f"{number:03d}" for number in range(100)]
    few, more = label_sample(names, 10, seed=5), label_sample(names, 38, seed=5)
    assert more[:10] == few
    assert len(set(more)) == 38
    assert label_sample(names[::-1], 10, seed=5) == few
    assert set(label_sample(names, 10, seed=6)) != set(few)
    with pytest.raises(ProjectError, match="100 labeled images of 100"):
        label_sample(names, 100, seed=5)
