"""The queue of a project as rows: place, image, score and the reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_imseg import rankings
from napari_imseg.engine.records import find_generation, generations
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.records import QueueRow
from napari_imseg.ranking import Prediction, Ranking
from napari_imseg.registry import find

ALL = 2**31


def ranked(folder: Path, name: str, top: int = 0) -> list[dict[str, Any]]:
    """Unlabeled images in the order of a ranking.

    Parameters
    ----------
    name
        Of the ranking.
    top
        Only so many rows; 0 = all.

    Returns
    -------
    list of dict
        ``place`` from 1, ``image`` (id), ``path``, ``score`` (``None`` for an image that the
        newest generation has not seen) and ``reason``.

    Raises
    ------
    UnknownName
        There is no such ranking.
    ProjectError
        Nothing is trained yet, or by too few networks for this ranking.
    """
    ranking = find(rankings, Ranking, name)
    judge = ranking()
    with Project.open(folder) as project:
        if not ranking.minimum_members and not generations(project):
            return _without_networks(project, judge, top)
        generation = project.catalog.current_generation or find_generation(project).name
        if not project.catalog.scores(generation, ranking.name):
            needs, then = f"at least {ranking.minimum_members} teachers", "train with a larger --top-k"
            if ranking.needs_quality:
                needs, then = "networks that judge masks", "train with predicted_quality=true"
            raise ProjectError(
                f"generation {generation} has no scores by {ranking.name}, which needs unlabeled images and "
                f"{needs}; {then} or rank by another"
            )
        rows = project.catalog.page(ranking.name, generation, limit=top or ALL)
    return _as_rows(rows, judge)


def _without_networks(project: Project, judge: Ranking, top: int) -> list[dict[str, Any]]:
    """The order before the first training."""
    nobody = np.zeros((0, project.problem.classes, 1, 1), np.float32)
    places = {record.id: place for place, record in enumerate(project.catalog.images())}
    unlabeled = project.unlabeled()
    scores = {
        record.id: judge.score(Prediction(record.id, places[record.id], project.problem, nobody))
        for record in unlabeled
    }
    unlabeled.sort(key=lambda record: scores[record.id], reverse=True)
    return _as_rows([QueueRow(record, scores[record.id]) for record in unlabeled[: top or ALL]], judge)


def _as_rows(rows: Sequence[QueueRow], judge: Ranking) -> list[dict[str, Any]]:
    return [
        {
            "place": place,
            "image": row.record.id,
            "path": row.record.path,
            "score": row.score,
            "reason": "not predicted yet" if row.score is None else judge.reason(row.score),
        }
        for place, row in enumerate(rows, start=1)
    ]
