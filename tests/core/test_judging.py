"""Settings of what EvalNets judge."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.judging import JudgingSettings, Remembering, VersionSettings
from napari_imseg.settings import SettingsError
from tests.methods.toy import Scores


def test_0_stands_for_the_scores_of_the_first_networks() -> None:
    assert VersionSettings().limits((0.6, 0.7)) == (0.6, 0.7)
    assert VersionSettings(lowest=0.5).limits((0.6, 0.7)) == (0.5, 0.7)
    assert VersionSettings(highest=0.8).limits((0.6, 0.7)) == (0.6, 0.8)
    assert VersionSettings(lowest=0.1, highest=0.2).limits((0.6, 0.7)) == (0.1, 0.2)


def test_a_limit_that_is_given_stays_whatever_the_run_says() -> None:
    assert VersionSettings(lowest=0.9).limits((0.6, 0.7)) == (0.9, 0.9)
    assert VersionSettings(highest=0.5).limits((0.6, 0.7)) == (0.5, 0.5)


def test_limits_that_are_given_are_in_order() -> None:
    with pytest.raises(SettingsError, match=r"^highest: it lies below lowest=0.8; raise it, .* got '0.7'$"):
        VersionSettings.checked({"lowest": 0.8, "highest": 0.7})
    assert VersionSettings.checked({"lowest": 0.7, "highest": 0.7})
    assert VersionSettings.checked({"lowest": 0.8, "highest": 0})


def test_the_ensemble_of_the_paper() -> None:
    settings = JudgingSettings()
    assert (settings.evalnets_trained, settings.evalnet_epochs, settings.evalnet_alpha) == (5, 50, 1)
    assert 2 <= settings.evalnets <= 4


def test_as_many_evalnets_are_trained_as_judge() -> None:
    with pytest.raises(SettingsError, match=r"evalnets_trained: evalnets=4 .* lower evalnets, got '2'"):
        JudgingSettings.checked({"evalnets": 4, "evalnets_trained": 2})
    assert JudgingSettings.checked({"evalnets": 2, "evalnets_trained": 2})


@pytest.mark.parametrize("name", ["evalnets", "evalnets_trained"])
def test_no_evalnet_is_none(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        JudgingSettings.checked({name: 0})


def test_a_mask_is_looked_at_once() -> None:
    judge = Scores({1: 0.3, 2: 0.6})
    remembering = Remembering(judge)
    image, masks = np.zeros((1, 1, 2), np.float32), np.array([[[0, 1]], [[1, 1]], [[1, 0]]], np.int16)
    for _ in range(2):
        assert [remembering.score(image, mask) for mask in masks] == [0.3, 0.6, 0.3]
    assert remembering.score(image + 1, masks[0]) == 0.3
    assert len(judge.seen) == 4
