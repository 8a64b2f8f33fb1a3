"""Sets: disjoint, complete, the same for the same seed, and groups stay together."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.dataset import Pair, Pool, Source
from napari_imseg.reproduce.splits import Splits, draw


def nothing() -> Pair:
    return np.zeros((1, 4, 4), np.uint8), np.zeros((4, 4), np.int32)


def sources(count: int, pool: Pool = "any", crops: int = 1) -> list[Source]:
    return [
        Source(f"{pool}-{image:03d}_{crop}", f"{pool}-{image:03d}", pool, nothing)
        for image in range(count)
        for crop in range(crops)
    ]


def sets(splits: Splits) -> list[tuple[str, ...]]:
    return [splits.labeled, splits.unlabeled, splits.validation, splits.test]


def test_every_image_is_in_exactly_one_set() -> None:
    given = sources(100)
    splits = draw(given, 0.1, seed=42)
    assert sorted(name for names in sets(splits) for name in names) == sorted(one.name for one in given)
    assert [len(names) for names in sets(splits)] == [7, 63, 10, 20]  # 10 % of those to train on


def test_the_seed_decides_and_the_order_of_the_images_does_not() -> None:
    given = sources(60)
    assert draw(given, 5, seed=1) == draw(given[::-1], 5, seed=1)
    assert draw(given, 5, seed=1) != draw(given, 5, seed=2)


def test_crops_of_one_image_stay_together() -> None:
    splits = draw(sources(40, "train or validation", crops=2) + sources(9, "test", crops=2), 0.1, seed=0)
    images = [{name.split("_")[0] for name in names} for names in sets(splits)]
    assert [len(found) for found in images] == [3, 33, 4, 9]
    assert [len(names) for names in sets(splits)] == [6, 66, 8, 18]


def test_parts_that_the_data_set_fixes_are_kept() -> None:
    given = sources(259 * 10 + 4, "train") + sources(100, "validation") + sources(1000, "test")
    splits = draw(given, 0.1, seed=42)
    assert [len(names) for names in sets(splits)] == [259, 2335, 100, 1000]  # ISIC 2018, METHODS 1.1
    assert all(name.startswith("train") for name in splits.labeled + splits.unlabeled)
    assert all(name.startswith("validation") for name in splits.validation)


def test_half_of_an_open_pool_validates_and_half_tests() -> None:
    splits = draw(sources(2975, "train") + sources(500, "validation or test"), 0.1, seed=42)
    assert [len(names) for names in sets(splits)] == [297, 2678, 250, 250]  # Cityscapes, METHODS 1.1


@pytest.mark.parametrize(
    ("count", "labeled", "part"),
    [(3, 0.1, "unlabeled"), (20, 14, "unlabeled"), (20, 0, "share below 1"), (20, 2.5, "share below 1")],
)
def test_too_few_images_or_no_number_is_told(count: int, labeled: float, part: str) -> None:
    with pytest.raises(ProjectError, match=part):
        draw(sources(count), labeled, seed=0)


def test_a_missing_set_is_named() -> None:
    with pytest.raises(ProjectError, match="no image for the test set"):
        draw(sources(30, "train or validation"), 0.1, seed=0)
