"""How far a project has come: its generations as a table, and what the last labels brought; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_imseg.core.metric_names import TITLES
from napari_imseg.engine.records import GenerationRecord, generations
from napari_imseg.engine.standing import duration
from napari_imseg.project.project import Project
from napari_imseg.widgets.columns import Columns


@dataclass(frozen=True)
class Progress:
    """What the results panel shows.

    Attributes
    ----------
    records
        Finished generations, oldest first.
    labeled
        Images with a complete label.
    by_hand
        Those of them that people labeled here; all others were imported.
    seconds
        Time that people spent on these.
    """

    records: list[GenerationRecord]
    labeled: int
    by_hand: int
    seconds: float


def read_progress(project: Project) -> Progress:
    """Read it from the project's folder."""
    catalog = project.catalog
    return Progress(generations(project), catalog.count(state="labeled"), *catalog.labeled_by_hand())


def metric_of(records: Sequence[GenerationRecord]) -> str:
    """What the scores of generations measure, as people call it."""
    return TITLES[records[-1].metric_name] if records else "score"


def table(records: Sequence[GenerationRecord]) -> Columns:
    """Generations as columns; NaN where something was not measured."""
    return {
        "generation": np.array([record.name for record in records], dtype=object),
        "labels": np.array([record.labeled for record in records], dtype=int),
        metric_of(records): np.array([_number(record.score) for record in records]),
        "IM [%]": np.array([100 * _number(record.im_fraction) for record in records]),
        "IM/fg": np.array([_number(record.im_relative) for record in records]),
    }


def members(records: Sequence[GenerationRecord]) -> Columns:
    """Students and masks of other tools of the newest run, best first; NaN where nothing was measured."""
    newest = [record for record in records if record.run == records[-1].run]
    rows = [(record, member) for record in newest for member in record.scores]
    rows.sort(key=lambda row: -(row[1].score or 0.0))
    return {
        "member": np.array([member.name.removesuffix(".safetensors") for _, member in rows], dtype=object),
        "generation": np.array([record.name for record, _ in rows], dtype=object),
        "score": np.array([_number(member.score) for _, member in rows]),
        "validation images": np.array([member.images for _, member in rows], dtype=int),
    }


def best_by_labels(records: Sequence[GenerationRecord]) -> list[tuple[int, float]]:
    """The learning curve: labels spent, and the best score with that many."""
    best: dict[int, float] = {}
    for record in records:
        if record.score is not None:
            best[record.labeled] = max(record.score, best.get(record.labeled, -np.inf))
    return sorted(best.items())


def spent(progress: Progress) -> str:
    """Labels and time, in one sentence."""
    if not progress.labeled:
        return "No image is labeled completely yet."
    if not progress.by_hand:
        return f"{progress.labeled} images are labeled, all of them elsewhere."
    each = duration(progress.seconds / progress.by_hand)
    elsewhere = progress.labeled - progress.by_hand
    more = f"; {elsewhere} more were labeled elsewhere" if elsewhere else ""
    return f"{progress.by_hand} images labeled in {duration(progress.seconds)}, about {each} each{more}."


def what_labels_brought(records: Sequence[GenerationRecord]) -> str:
    """What the newest labels changed, in one sentence; it says what was measured, no more."""
    curve = best_by_labels(records)
    if not curve:
        return "Train with validation images to see what labels bring."
    if len(curve) == 1:
        return "Label more and train again to see what further labels bring."
    (fewer, before), (more, after) = curve[-2:]
    change = after - before
    verb = "raised" if change >= 0 else "lowered"
    return (
        f"The last {more - fewer} labels {verb} {metric_of(records)} by {abs(change):.3f}, "
        f"from {before:.3f} to {after:.3f}."
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else value
