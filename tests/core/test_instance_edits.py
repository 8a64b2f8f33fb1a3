"""Single instances are deleted, merged and split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.draw import disk, ellipse, line

from napari_imseg.core import instance_edits
from napari_imseg.core.instance_edits import Change, delete, merge, split
from napari_imseg.core.instance_ids import free_ids, same_objects


def changed(ids: np.ndarray, change: Change) -> np.ndarray:
    new = ids.copy()
    new[change.where] = change.ids
    return new


def touching(radius: int, gap: int, number: int = 1, dtype: type = np.int32) -> np.ndarray:
    ids = np.zeros((120, 120), dtype)
    for column in (40, 40 + gap):
        ids[disk((60, column), radius)] = number
    return ids


@pytest.mark.parametrize(("radius", "gap"), [(14, 24), (14, 20), (8, 13), (5, 8)])
def test_touching_discs_become_two_halves(radius: int, gap: int) -> None:
    before = touching(radius, gap)
    after = changed(before, split(before, 1))
    assert np.array_equal(after > 0, before > 0)
    halves = [(after == number).sum() for number in (1, 2)]
    assert min(halves) > 0.85 * max(halves)
    for number, column in ((after[60, 40], 40), (after[60, 40 + gap], 40 + gap)):
        _, middle = ndimage.center_of_mass(after == number)
        assert abs(middle - column) < radius / 3
    assert after[60, 40] != after[60, 40 + gap]


def test_the_rest_of_the_picture_stays() -> None:
    before = touching(14, 24, 3)
    before[:10, :10] = 9
    after = changed(before, split(before, 3))
    assert set(np.unique(after)) == {0, 3, 9, 10}
    assert np.array_equal(after == 9, before == 9)


def test_a_chain_of_three_is_split_twice() -> None:
    ids = touching(12, 21)
    ids[disk((60, 82), 12)] = 1
    once = changed(ids, split(ids, 1))
    twice = changed(once, split(once, int(np.bincount(once[once > 0]).argmax())))
    assert len({twice[60, column] for column in (40, 61, 82)}) == 3


def test_separate_parts_get_ids_of_their_own_and_the_largest_keeps_its() -> None:
    ids = np.zeros((20, 20), np.int32)
    ids[0:2, 0:2] = ids[5:10, 5:10] = ids[15, 14:16] = 4
    after = changed(ids, split(ids, 4))
    assert after[7, 7] == 4
    assert {after[0, 0], after[15, 15]} == {5, 6}


def test_crumbs_are_no_parts_and_stay() -> None:
    ids = np.zeros((40, 60), np.int32)
    for column in (20, 38):
        ids[disk((20, column), 10)] = 3
    ids[2, 2] = ids[37, 55] = 3
    change = split(ids, 3)
    ids[change.where] = change.ids
    assert ids[20, 12] != ids[20, 46]
    assert np.bincount(ids.ravel())[3:].min() > 200
    round_one = np.zeros((40, 60), np.int32)
    round_one[disk((20, 20), 10)], round_one[2, 2] = 3, 3
    with pytest.raises(ValueError, match="has no neck"):
        split(round_one, 3)


def test_a_line_of_background_splits_what_has_no_neck() -> None:
    ids = np.zeros((40, 40), np.int32)
    ids[5:35, 5:35] = 1
    with pytest.raises(ValueError, match="no neck"):
        split(ids, 1)
    ids[:, 15] = 0
    assert set(np.unique(changed(ids, split(ids, 1)))) == {0, 1, 2}


def parted_as(ids: np.ndarray, truth: np.ndarray) -> bool:
    """True if the two parts of instance 1 overlap those of the truth with an IoU above 0.7."""
    after = changed(ids, split(ids, 1))[ids == 1]
    pairs = [truth[ids == 1] == number for number in (1, 2)]
    ious = [
        [(one & (after == n)).sum() / (one | (after == n)).sum() for n in np.unique(after)] for one in pairs
    ]
    return max(min(ious[0][0], ious[1][1]), min(ious[0][1], ious[1][0])) > 0.7


@pytest.mark.parametrize("radius", [8, 12, 20, 40])
@pytest.mark.parametrize("distance", [1.1, 1.3, 1.6])
@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_pairs_with_a_shallow_or_a_one_sided_neck_are_split(
    radius: int, distance: float, one_sided: bool, noise: float
) -> None:
    rows, columns = np.mgrid[: 4 * radius, : 5 * radius]
    first, second = 1.5 * radius, (1.5 + distance) * radius
    to_first, to_second = (np.hypot(rows - 2 * radius, columns - place) for place in (first, second))
    waves = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=rows.shape), 2)
    inside = np.minimum(to_first, to_second) + noise * radius * waves / waves.std() < radius
    if one_sided:
        lower = (rows > 2 * radius) & (rows < 3 * radius)
        inside |= lower & (columns > first) & (columns < second)
    assert parted_as(inside.astype(np.int32), np.where(to_first < to_second, 1, 2))


@pytest.mark.realdata
def test_touching_nuclei_that_were_made_one_are_parted_as_they_were(realdata_dir: Path) -> None:
    right = refused = pairs = 0
    for path in sorted((realdata_dir / "dsb" / "train" / "labels").glob("*.tif"))[::10]:
        label = tifffile.imread(path).astype(np.int32)
        beside = np.concatenate([np.stack([label[:, 1:], label[:, :-1]]).reshape(2, -1),
                                 np.stack([label[1:], label[:-1]]).reshape(2, -1)], axis=1)  # fmt: skip
        touch = (beside[0] != beside[1]) & (beside > 0).all(axis=0)
        for one, other in np.unique(np.sort(beside[:, touch], axis=0), axis=1).T:
            truth = np.where(label == one, 1, np.where(label == other, 2, 0))
            if min((truth == 1).sum(), (truth == 2).sum()) < 20:
                continue
            pairs += 1
            try:
                right += parted_as((truth > 0).astype(np.int32), truth)
            except ValueError:
                refused += 1
    assert pairs > 200
    assert right > 0.84 * pairs
    assert refused < 0.04 * pairs


def test_ellipses_have_no_neck() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = np.zeros((80, 80), np.int32)
        ids[ellipse(40, 40, *rng.uniform(4, 32, 2), rotation=rng.uniform(0, 3))] = 1
        with pytest.raises(ValueError, match="paint one of its parts with another id"):
            split(ids, 1)


def test_one_pixel_cannot_be_split() -> None:
    ids = np.zeros((5, 5), np.int32)
    ids[0, 4] = 8
    with pytest.raises(ValueError, match="Instance 8 has 1 pixel"):
        split(ids, 8)


@pytest.mark.parametrize("number", [70_000, 65_535])
def test_large_ids(number: int) -> None:
    ids = touching(14, 24, number)
    assert set(np.unique(changed(ids, split(ids, number)))) == {0, number, number + 1}
    ids[0, 0] = 66_000
    assert not (changed(ids, delete(ids, 66_000)) == 66_000).any()
    assert changed(ids, merge(ids, 66_000, number))[0, 0] == number


def test_where_the_type_ends_the_lowest_free_id_is_taken() -> None:
    ids = touching(14, 24, 65_535, np.uint16)
    ids[0, :3] = 1, 2, 4
    assert set(np.unique(changed(ids, split(ids, 65_535)))) == {0, 1, 2, 3, 4, 65_535}
    with pytest.raises(ValueError, match="up to 255"):
        free_ids(np.arange(256, dtype=np.uint8), 1)


def test_unlabeled_pixels_are_no_instance() -> None:
    ids = touching(14, 24)
    ids[ids == 0] = -1
    after = changed(ids, split(ids, 1))
    assert set(np.unique(after)) == {-1, 1, 2}
    assert set(np.unique(changed(after, delete(after, 2)))) == {-1, 0, 1}


def test_all_parts_are_deleted_and_merged() -> None:
    ids = np.zeros((10, 10), np.int32)
    ids[0, 0] = ids[9, 9] = 5
    ids[4, 4] = 2
    assert (changed(ids, delete(ids, 5)) == 5).sum() == 0
    assert (changed(ids, merge(ids, 5, 2)) == 2).sum() == 3


def test_a_large_instance_is_cut_along_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = touching(14, 24)
    fine = changed(ids, split(ids, 1))
    monkeypatch.setattr(instance_edits, "LARGEST_CUT", ids.size // 16)
    coarse = changed(ids, split(ids, 1))
    assert np.array_equal(coarse > 0, fine > 0)
    assert ((coarse == 1) == (fine == 1)).mean() > 0.98 or ((coarse == 2) == (fine == 1)).mean() > 0.98


@pytest.mark.parametrize("side", [512, 1024])
@pytest.mark.parametrize("gap", [1, 4])
def test_a_gap_that_is_narrower_than_a_cell_parts_a_large_instance(side: int, gap: int) -> None:
    ids = np.ones((side, side), np.int32)
    middle = slice(side // 2, side // 2 + gap)
    ids[:, middle] = 0
    ids[side // 2 - 8 : side // 2 + 8, middle] = 1  # a bridge
    after = changed(ids, split(ids, 1))
    for number in (1, 2):
        assert ndimage.label(after == number)[1] == 1
    left, right = after[:, : middle.start], after[:, middle.stop :]
    for half in (left, right):
        assert np.bincount(half.ravel()).max() > 0.998 * half.size
    assert left[0, 0] != right[0, 0]


def test_a_bridge_that_is_thinner_than_a_cell_parts_a_large_instance() -> None:
    ids = np.zeros((600, 600), np.int32)
    ids[disk((150, 150), 60)] = ids[disk((450, 450), 60)] = 1
    ids[line(150, 150, 450, 450)] = 1
    after = changed(ids, split(ids, 1))
    assert after[150, 150] != after[450, 450]


def test_large_ellipses_have_no_neck_however_thin() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        ids = np.zeros((500, 500), np.int32)
        radii, rotation = (rng.uniform(4, 30), rng.uniform(100, 240)), rng.uniform(0.3, 1.2)
        ids[ellipse(250, 250, *radii, rotation=rotation)] = 1
        with pytest.raises(ValueError, match="no neck"):
            split(ids, 1)


def test_a_volume_is_split() -> None:
    z, y, x = np.ogrid[:30, :30, :54]
    ids = np.zeros((30, 30, 54), np.int32)
    for column in (16, 34):
        ids[(z - 15) ** 2 + (y - 15) ** 2 + (x - column) ** 2 < 121] = 1
    after = changed(ids, split(ids, 1))
    assert after[15, 15, 16] != after[15, 15, 34]


def test_objects_are_the_same_under_other_ids() -> None:
    ids = np.array([[0, 3, 3, 7]])
    assert same_objects(np.array([[0, 2, 2, 1]], np.int32), ids)
    for other in ([0, 2, 2, 2], [0, 2, 1, 1], [0, 2, 4, 1], [0, 2, 2, 0], [-1, 2, 2, 1], [0, 2, 2, -1]):
        assert not same_objects(np.array([other], np.int32), ids)
