"""The promises that every ranking keeps; a new file in `rankings` is tested without being named here."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_imseg import rankings
from napari_imseg.core.problem import Problem
from napari_imseg.ranking import Prediction, Ranking
from napari_imseg.registry import classes_in
from tests.methods.toy import PROBLEMS, example, probabilities

RANKINGS = classes_in(rankings, Ranking)
every_ranking = pytest.mark.parametrize("name", RANKINGS)
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def prediction(problem: Problem, members: int, index: int = 0, doubt: float = 0.0) -> Prediction:
    """Members that agree on two discs, but for the part ``doubt`` of all rows."""
    answers = np.stack([probabilities(problem, example(problem, index).target_H_W)] * members)
    rows = int(doubt * answers.shape[2])
    answers[0, :, :rows] = answers[0, ::-1, :rows]
    return Prediction(f"image {index}", index, problem, answers, quality=1 - doubt)


@every_ranking
def test_it_says_what_it_is(name: str) -> None:
    ranking = RANKINGS[name]
    assert re.fullmatch(r"[a-z][a-z-]*", name)
    assert ranking.title
    assert ranking.source
    assert ranking.minimum_members >= 0


def test_the_one_that_the_queue_tells_beside_every_image_is_about_quality() -> None:
    assert RANKINGS[rankings.QUALITY].needs_quality


@every_ranking
@every_problem
def test_scores_are_finite_and_repeatable(name: str, problem: Problem) -> None:
    ranking = RANKINGS[name]()
    for members in (max(2, ranking.minimum_members), 4):
        for doubt in (0.0, 0.3, 1.0):
            asked = prediction(problem, members, doubt=doubt)
            before = asked.probabilities_K_C_H_W.copy()
            score = ranking.score(asked)
            assert isinstance(score, float)
            assert math.isfinite(score)
            assert RANKINGS[name]().score(asked) == score
            assert np.array_equal(asked.probabilities_K_C_H_W, before)


@every_ranking
@every_problem
def test_uniform_images_get_a_score(name: str, problem: Problem) -> None:
    ranking = RANKINGS[name]()
    members = max(2, ranking.minimum_members)
    for value in (0.0, 1 / problem.classes, 1.0):
        answers = np.full((members, problem.classes, 8, 8), value, np.float32)
        assert math.isfinite(ranking.score(Prediction("flat", 0, problem, answers, quality=0.5)))


@every_ranking
def test_the_reason_is_short_and_in_words(name: str) -> None:
    ranking = RANKINGS[name]()
    for doubt in (0.0, 0.04, 0.3, 1.0):
        reason = ranking.reason(ranking.score(prediction(PROBLEMS["binary"], 2, doubt=doubt)))
        assert 5 < len(reason) < 60
        assert re.search(r"[a-z]{3,} .*[a-z]{3,}", reason), "words, not a number"
        assert not re.search(r"nan|inf\b|e[-+]\d|\d{5}", reason)


@every_ranking
def test_too_few_members_are_an_error(name: str) -> None:
    ranking = RANKINGS[name]()
    if ranking.minimum_members > 1:
        with pytest.raises(ValueError, match="at least"):
            ranking.score(prediction(PROBLEMS["binary"], 1))
    assert ranking.can_score(prediction(PROBLEMS["binary"], 1)) == (ranking.minimum_members <= 1)


@every_ranking
def test_a_mask_that_nobody_has_judged_is_an_error_for_those_that_need_it(name: str) -> None:
    ranking, unjudged = RANKINGS[name](), replace(prediction(PROBLEMS["binary"], 2), quality=None)
    assert ranking.can_score(unjudged) != ranking.needs_quality
    if ranking.needs_quality:
        with pytest.raises(ValueError, match="predicted_quality"):
            ranking.score(unjudged)


@every_ranking
def test_it_does_without_torch(name: str) -> None:
    code = f"import sys, {RANKINGS[name].__module__}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
