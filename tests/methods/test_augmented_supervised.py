"""ALDT: the labeled images and their augmented copies, and nothing of the unlabeled ones."""

from __future__ import annotations

import pytest

from napari_imseg.core.strength import SCHEDULES
from napari_imseg.methods.augmented_supervised import AugmentedSupervised
from tests.methods.toy import PROBLEMS, asked, example

BINARY = PROBLEMS["binary"]


def supervised(**settings: object) -> AugmentedSupervised:
    return AugmentedSupervised(AugmentedSupervised.Settings.checked(settings), BINARY)


def test_ten_times_the_labels_at_the_strength_of_the_last_generation() -> None:
    labeled = [example(BINARY, seed) for seed in range(3)]
    found = supervised(schedule="isic").labeled_set(labeled)
    assert found[:3] == labeled
    assert len(found) == 30
    assert [one.strength for one in found] == [None] * 3 + [SCHEDULES["isic"][4]] * 27
    for one in labeled:
        copies = [each for each in found if each.name == one.name]
        assert len(copies) == 10
        assert all(each.target_H_W is one.target_H_W for each in copies)


@pytest.mark.parametrize("name", ["hela", "suim", "cityscapes", "cityscapes-paper"])
def test_copies_and_strength_are_settings(name: str) -> None:
    first, *copies = supervised(schedule=name, copies=2).labeled_set([example(BINARY, 0)])
    assert first.strength is None
    assert [one.strength for one in copies] == [SCHEDULES[name][4]] * 2


def test_unlabeled_images_teach_nobody() -> None:
    assert not AugmentedSupervised.teaches
    assert supervised().curate(asked(BINARY, [[[1, 0]], [[1, 0]]])) == []
    assert supervised().width(3, 0.5) == 0.5
