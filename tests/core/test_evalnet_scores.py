"""Scores of EvalNets, and what follows from them; the published cases are in test_worked_examples."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.core.evalnet_scores import augmented_versions, best_candidate, image_score


def test_a_binary_score_is_the_mean_over_evalnets() -> None:
    assert image_score(np.array([[0.8], [0.6]])) == pytest.approx(0.7)


def test_outputs_are_averaged_before_classes_are_detected() -> None:
    iou = np.array([[0.8, 0.2], [0.6, 0.4]])
    detection = np.array([[0.9, 0.6], [0.9, 0.3]])  # means .9 and .45
    assert image_score(iou, detection) == pytest.approx(0.7)


def test_a_candidate_below_the_threshold_is_none() -> None:
    assert best_candidate([0.2, 0.7, 0.7], 0.7) == 1
    assert best_candidate([0.2, 0.7, 0.7], 0.71) is None
    assert best_candidate([], 0.0) is None


def test_more_versions_for_better_scores() -> None:
    versions = [augmented_versions(score, 0.4, 0.6) for score in np.linspace(0, 1, 201)]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2, 3, 4, 5}


def test_limits_that_coincide_or_are_swapped() -> None:
    assert [augmented_versions(score, 0.5, 0.5) for score in (0.4, 0.5, 0.6)] == [1, 1, 5]
    with pytest.raises(ValueError, match=r"at most the highest, got 0\.6 and 0\.5"):
        augmented_versions(0.5, 0.6, 0.5)
