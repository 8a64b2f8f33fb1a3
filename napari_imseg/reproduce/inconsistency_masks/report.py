"""The report: a table for people (Markdown) and for programs (CSV), and the plots."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from napari_imseg import __version__
from napari_imseg.core.metric_names import TITLES
from napari_imseg.project.atomic import write_text
from napari_imseg.reproduce.approach import REFERENCE
from napari_imseg.reproduce.estimate import Estimate
from napari_imseg.reproduce.figures_file import read_figures
from napari_imseg.reproduce.inconsistency_masks import plots
from napari_imseg.reproduce.inconsistency_masks.pictured import pictured
from napari_imseg.reproduce.inconsistency_masks.summary import (
    DATA_SETS,
    Row,
    gap_closed,
    published,
    published_gap_closed,
    rows,
)
from napari_imseg.reproduce.page import number, save, table, with_error
from napari_imseg.reproduce.study import Study

GIGA = 1e9

EMPTY = (
    "An image or mask without anything to find, in which nothing is found, has an IoU of 0, as in the "
    "published figures, and every Dice is smoothed by 1, as there; `napari-imseg evaluate` gives such an "
    "image 1 and smoothes nothing."
)


def write_report(study: Study) -> Path | None:
    """Write ``report/`` from the figures that there are; its page, or ``None`` if there are none."""
    found = rows(read_figures(study.out), study.info.metrics)
    if not found:
        return None
    folder = study.out / "report"
    write_text(folder / "table.csv", _csv(study, found))
    drawn = list(_drawn(study, found, folder))
    page = folder / "report.md"
    lines = [*_head(study, found), *_table(study, found), *_notes(study), *_ranking(study, found), *drawn]
    write_text(page, "\n".join(lines) + "\n")
    return page


def _head(study: Study, found: Sequence[Row]) -> list[str]:
    info = study.info
    sets, repetitions = info.splits, max(row.repetitions for row in found)
    often = "1 repetition" if repetitions == 1 else f"{repetitions} repetitions"
    return [
        f"# {info.comparison} on {info.title}",
        "",
        f"Scale `{info.scale}`, {often}; {len(sets.labeled)} labeled, "
        f"{len(sets.unlabeled)} unlabeled, {len(sets.validation)} validation and {len(sets.test)} test "
        f"images; seed {info.seed}; napari-imseg {__version__}.",
        "",
    ]


def _table(study: Study, found: Sequence[Row]) -> list[str]:
    """A line for each approach; published figures to the right of ours."""
    info, metric = study.info, study.info.metrics[0]
    in_paper = info.data in published()
    columns = [
        "approach",
        f"{TITLES[metric]}, best student",
        "95 % interval",
        "best of the first 3",
        *([f"**published**, best of 3 ({DATA_SETS[info.data]})"] if in_paper else []),
        "ensemble",
        *(TITLES[other] for other in info.metrics[1:]),
        "cost (GFLOP)",
        "gap closed",
        *(f"gap closed, **published** ({name})" for name in DATA_SETS.values()),
    ]
    lines = []
    for row in found:
        quality = row.quality[metric]
        lines.append(
            [
                row.name,
                _with_error(quality),
                _interval(quality),
                number(quality.best(metric)),
                *([number(published()[info.data][metric].get(row.name))] if in_paper else []),
                _with_error(row.ensemble[metric]),
                *(_with_error(row.quality[other]) for other in info.metrics[1:]),
                f"{row.cost.mean / GIGA:,.4g}" if row.cost.mean else "–",
                with_error(*gap_closed(found, row, metric), digits=2),
                *(number(published_gap_closed(data, row.name), 2) for data in DATA_SETS),
            ]
        )
    return table(columns, lines)


def _notes(study: Study) -> list[str]:
    notes = [
        "Mean ± standard error over the repetitions; the interval is that of the mean (Student's t). All "
        "repetitions share one draw of labeled images, so errors and intervals cover the seeds of the "
        "training alone: with other labeled images figures can differ by more. Best of the first 3: of the "
        "first three repetitions, since the published tables list the best of three.",
        "Best student: the one that validation ranks first among all that the approach trained, measured on "
        "the test images. Ensemble: the teachers of the last generation together. Networks choose epochs and "
        f"teachers on the {len(study.info.splits.validation)} validation images, which are labeled, too, and "
        f"which the {REFERENCE} does not use.",
        "Cost: F x S x E, the floating-point operations of one forward pass on a training crop (two for each "
        "multiplication), times steps of an epoch, times epochs, summed over all networks from "
        "generation 0 on, EvalNets included.",
        "Gap closed: share of the way from LDT to FDT, ours ± its standard error (jackknife over the "
        "repetitions) and that of Table A.1 of the paper (there the single best of 3 repetitions). It can be "
        "compared from one data set to another. A dash where LDT and FDT are too close to tell: the 95 % "
        "interval of their difference in the same repetition includes 0, or there is one repetition only.",
        *([EMPTY] if study.info.empty == "zero" else []),
        *study.info.remarks,
    ]
    return ["", *(line for note in notes for line in (note, ""))]


def _ranking(study: Study, found: Sequence[Row]) -> list[str]:
    """A line for each approach whose generations ranked the unlabeled images."""
    ranked = [row for row in found if row.ranking]
    if not ranked:
        return []
    numbers = sorted({number for row in ranked for number in row.ranking})
    columns = ["approach", *(f"generation {one}" for one in numbers)]
    lines = [
        [row.name, *(_with_error(row.ranking[one]) if one in row.ranking else "–" for one in numbers)]
        for row in ranked
    ]
    metric = TITLES[study.info.metrics[0]]
    return [
        "## Does the size of the inconsistency mask find the worst pseudo-labels?",
        "",
        f"Spearman correlation of its size relative to the foreground and 1 - {metric} of the pseudo-label, "
        "over the unlabeled images; mean ± standard error over the repetitions.",
        "",
        *table(columns, lines),
        "",
    ]


def _drawn(study: Study, found: Sequence[Row], folder: Path) -> Iterator[str]:
    """Save each plot; yields the lines that show it on the page."""
    metric = TITLES[study.info.metrics[0]]
    units = read_figures(study.out)
    for name, title, figure in (
        ("quality", "Quality per generation", plots.quality(found, metric)),
        ("cost", "Training cost against quality", plots.cost(found, metric)),
        ("balance", "Class balance of what was learned without labels", plots.balance(found, study.info)),
        ("im-size", "Size of the inconsistency masks", plots.im_size(found)),
        ("examples", "Examples over the generations", plots.examples(pictured(study, units))),
    ):
        if figure is not None:
            save(figure, folder / f"{name}.png")
            yield from (f"## {title}", "", f"![{title}]({name}.png)", "")


def _csv(study: Study, found: Sequence[Row]) -> str:
    """One line for each approach and metric; empty where there is no figure."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        (
            *("approach", "metric", "repetitions", "mean", "standard_error", "interval_low", "interval_high"),
            *("best_of_first_3", "published_best_of_3", "ensemble_mean", "ensemble_standard_error"),
            *("gap_closed", "gap_closed_standard_error", "cost_flop", "training_seconds"),
        )
    )
    for row in found:
        for metric in study.info.metrics:
            quality, ensemble = row.quality[metric], row.ensemble[metric]
            figures = (
                *(quality.mean, quality.error, quality.mean - quality.half, quality.mean + quality.half),
                quality.best(metric),
                published().get(study.info.data, {}).get(metric, {}).get(row.name, math.nan),
                *(ensemble.mean, ensemble.error, *gap_closed(found, row, metric)),
                *(row.cost.mean, row.seconds.mean),
            )
            cells = ("" if math.isnan(value) else f"{value:.6g}" for value in figures)
            writer.writerow((row.name, metric, row.repetitions, *cells))
    return text.getvalue()


def _with_error(estimate: Estimate) -> str:
    return with_error(estimate.mean, estimate.error)


def _interval(estimate: Estimate) -> str:
    if math.isnan(estimate.half):
        return "–"
    return f"{estimate.mean - estimate.half:.3f} to {estimate.mean + estimate.half:.3f}"
