"""The report: a page for people (Markdown), figures for programs (JSON), and the plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from napari_imseg import __version__
from napari_imseg.core.components import COMPONENTS
from napari_imseg.project.atomic import write_text
from napari_imseg.reproduce.actis import plots
from napari_imseg.reproduce.actis.approaches import ABLATION, BASELINE, UNUSUAL
from napari_imseg.reproduce.actis.pictured import pictured
from napari_imseg.reproduce.actis.published import ALL_TILES, COLUMNS, published
from napari_imseg.reproduce.actis.scales import SCALES
from napari_imseg.reproduce.actis.summary import Row, rows
from napari_imseg.reproduce.estimate import Estimate
from napari_imseg.reproduce.figures_file import read_figures
from napari_imseg.reproduce.page import number, save, table, with_error
from napari_imseg.reproduce.study import Study

GIGA: Final = 1e9

OWN_OBJECTS: Final = (
    "The same networks as in the table above, with objects as DenoiSeg's paper has them: the connected parts "
    "where the probability of the interior is above one threshold, without their boundary. The threshold is "
    "the one with the best score on the validation tiles; the score is TP / (TP + FP + FN) above an IoU of "
    ".5, the mean over the images that have objects. **Published**: what the repository of DenoiSeg gives "
    "for DSB2018 without added noise, with alpha .5 as here and with the best of .3, .5 and .7; and Table 2 "
    "of ACTIS, the best of its figures for all alphas and levels of added noise."
)

GAINS_OVER: Final = (BASELINE, "ACTIS")

TITLES: Final = {
    "ap50_pr": "AP.50 (precision x recall)",
    "ap50_precision": "AP.50 (precision)",
    "ap10_90_pr": "AP.10:.90 (precision x recall)",
    "ap10_90": "AP.10:.90 (precision)",
    "s_dsb": "S_DSB",
    "f1_50": "F1",
    "f1_50_clipped": "F1 (clipped)",
}


def write_report(study: Study) -> Path | None:
    """Write ``report/`` from the figures that there are; its page, or ``None`` if there are none."""
    found = rows(read_figures(study.out), study.info.metrics)
    if not found:
        return None
    folder = study.out / "report"
    write_text(folder / "figures.json", json.dumps(_figures(study, found), indent=1) + "\n")
    drawn = list(_drawn(study, found, folder))
    page = folder / "report.md"
    tables = [*_table(found), *_gains(found), *_ablation(study, found), *_components(found)]
    lines = [*_head(study, found), *tables, *_notes(study), *drawn]
    write_text(page, "\n".join(lines) + "\n")
    return page


def _head(study: Study, found: Sequence[Row]) -> list[str]:
    info, side = study.info, SCALES[study.info.scale].bounds.tile
    sets, samples = info.splits, max(row.repetitions for row in found)
    often = "1 label sample" if samples == 1 else f"{samples} label samples"
    start = f"; encoders start from {info.weights}" if info.weights else ""
    return [
        f"# ACTIS on {info.title}",
        "",
        f"Scale `{info.scale}`, {often} of each number of labeled tiles; {len(sets.unlabeled)} training and "
        f"{len(sets.validation)} validation tiles of {side} x {side}, {len(sets.test)} whole test images; "
        f"seed {info.seed}{start}; napari-imseg {__version__}.",
        "",
        "## Tables 1 and 2",
        "",
    ]


def _table(found: Sequence[Row]) -> list[str]:
    """A line for each number of labeled tiles and approach; published figures to the right of ours."""
    columns = ["labeled", "approach", "label samples"]
    for metric, title in _titles(found).items():
        columns += [title, *(f"**published**, Table {name}" for name in _tables_of(metric))]
    lines = [
        [
            *(str(row.count), row.name, str(row.repetitions)),
            *_beside({metric: _ours(row.quality[metric]) for metric in row.quality}, row.name, row.count),
            *(_ours(row.networks["ap50_pr"]), _ours(row.ensemble["ap50_pr"]), _cost(row)),
        ]
        for row in found
    ]
    none = number(None)
    every = _beside(dict.fromkeys(_titles(found), none), "ACTIS", ALL_TILES)
    lines.append([f"all {ALL_TILES}", "ACTIS, published", none, *every, none, none, none])
    last = (f"{kind}, {TITLES['ap50_pr']}" for kind in ("mean of both networks", "ensemble"))
    return table([*columns, *last, "cost (GFLOP)"], lines)


def _titles(found: Sequence[Row]) -> dict[str, str]:
    """Of the metrics that the comparison has; one that was begun earlier may have fewer."""
    return {metric: TITLES[metric] for metric in found[0].quality}


def _beside(ours: Mapping[str, str], approach: str, count: int) -> Iterator[str]:
    """Our figure of each metric, and after it the published ones."""
    for metric, figure in ours.items():
        yield figure
        yield from (_published(name, metric, approach, count) for name in _tables_of(metric))


def _gains(found: Sequence[Row]) -> list[str]:
    """Differences within the same label samples, where two samples or more have both rows."""
    by_name = {(row.name, row.count): row for row in found}
    lines = []
    for row in found:
        for name in GAINS_OVER:
            other = by_name.get((name, row.count))
            if other is not None and row.name not in (BASELINE, name):
                gains = row.gain(other, "ap50_pr"), row.gain(other, "ap50_pr", of="networks")
                if len(gains[0].values) > 1:
                    said = [with_error(gain.mean, gain.half) for gain in gains]
                    lines.append([str(row.count), row.name, name, *said])
    gain = f"gain, {TITLES['ap50_pr']}, 95 % interval"
    columns = ["labeled", "approach", "over", gain, f"mean of both networks: {gain}"]
    return ["", "## Gains in the same label samples", "", *table(columns, lines)] if lines else []


def _tables_of(metric: str) -> list[str]:
    """The tables that list the metric against labeled tiles."""
    return [name for name, listed in COLUMNS if listed == metric and name != "3"]


def _ablation(study: Study, found: Sequence[Row]) -> list[str]:
    """Table 3, if one of its own rows was done."""
    if not any(row.name in UNUSUAL for row in found):
        return []
    lines = [
        [
            str(row.count),
            row.name,
            _ours(row.quality["ap50_pr"]),
            _published("3", "ap50_pr", _in_table_3(row.name, bool(study.info.weights)), row.count),
        ]
        for row in found
        if row.name in ABLATION
    ]
    columns = ["labeled", "approach", TITLES["ap50_pr"], "**published**, Table 3"]
    return ["", "## Table 3, the ablation", "", *table(columns, lines)]


def _components(found: Sequence[Row]) -> list[str]:
    """DenoiSeg as its own paper measures it, where that was measured."""
    lines = [
        [
            *(str(row.count), str(len(row.components.values))),
            *_beside({COMPONENTS: _ours(row.components)}, row.name, row.count),
            _published("2", "s_dsb", row.name, row.count),
        ]
        for row in found
        if row.components.values
    ]
    columns = [
        *("labeled", "label samples", "S_DSB of connected components"),
        *(f"**published**, {name}" for name in _tables_of(COMPONENTS)),
        "**published**, Table 2",
    ]
    title = "## DenoiSeg with its own objects"
    return ["", title, "", *table(columns, lines), "", OWN_OBJECTS] if lines else []


def _notes(study: Study) -> list[str]:
    notes = [
        "Mean ± standard deviation over the label samples, as in the paper; each is the mean over the test "
        "images. Ours: of the two networks of an approach's last generation the one with the best AP.50 on "
        "the validation tiles, which also give the thresholds of the watershed. Networks of earlier "
        "generations do not count, or an approach with more generations would choose among more. Mean of "
        "both networks: as good as one is that nobody has chosen; it varies less. Ensemble: both networks "
        "of the last generation together.",
        "**Published**: DSB2018, one network a label sample, EfficientNet-B5; from ImageNet weights but for "
        f"{BASELINE} in Table 3 where no weights are given. What Table 1 shows is what its code computes, "
        "whatever its text says: AP.50 is precision times recall at an IoU of .5; AP.10:.90 the mean of that "
        "over 14 IoUs, .1 to .9 and .55, .65, .75, .85, .95; F1 is clipped, 2 P R / max(1, P + R), which is "
        "too low in images where P + R is below 1. They stand beside ours of the same formula; as the text "
        "has them, precision at .5, precision over nine IoUs, and F1, they have columns of their own. "
        f"ACTIS with all {ALL_TILES} tiles labeled is a row of published figures alone. DenoiSeg in Table 2 "
        "is the best of several noise levels and weights.",
        "Cost: F x S x E, the floating-point operations of one forward pass on a training crop times the "
        f"steps of all networks of the approach, those of {BASELINE} included where it starts from them.",
        *study.info.remarks,
    ]
    return ["", *(line for note in notes for line in (note, ""))]


def _drawn(study: Study, found: Sequence[Row], folder: Path) -> Iterator[str]:
    """Save each plot; yields the lines that show it on the page."""
    for name, title, figure in (
        ("quality", "Quality against labeled tiles", plots.quality(found, _titles(found))),
        ("examples", "Examples", plots.examples(pictured(study))),
    ):
        if figure is not None:
            save(figure, folder / f"{name}.png")
            yield from (f"## {title}", "", f"![{title}]({name}.png)", "")


def _figures(study: Study, found: Sequence[Row]) -> dict[str, Any]:
    """Everything on the page, by approach and number of labeled tiles."""
    return {
        "comparison": study.info.comparison,
        "title": study.info.title,
        "scale": study.info.scale,
        "rows": [
            {
                "approach": row.name,
                "labeled": row.count,
                "label_samples": row.repetitions,
                "cost_flop": row.cost.mean,
                "training_seconds": row.seconds.mean,
                "best_student": {metric: _numbers(one) for metric, one in row.quality.items()},
                **({COMPONENTS: _numbers(row.components)} if row.components.values else {}),
                "mean_of_networks": {metric: _numbers(one) for metric, one in row.networks.items()},
                "ensemble": {metric: _numbers(one) for metric, one in row.ensemble.items()},
                "published": _published_figures(row.name, row.count),
            }
            for row in found
        ],
        "published_with_all_labels": {"approach": "ACTIS", "labeled": ALL_TILES}
        | _published_figures("ACTIS", ALL_TILES),
    }


def _published_figures(approach: str, count: int) -> dict[str, Any]:
    return {
        f"table {name}, {metric}": {"mean": known[0], "deviation": known[1]}
        for name, metric in COLUMNS
        if (known := published(name, metric, approach, count))
    }


def _numbers(estimate: Estimate) -> dict[str, Any]:
    deviation = estimate.deviation if len(estimate.values) > 1 else None
    return {"mean": estimate.mean, "deviation": deviation, "values": list(estimate.values)}


def _ours(estimate: Estimate) -> str:
    return with_error(estimate.mean, estimate.deviation)


def _in_table_3(approach: str, pretrained: bool) -> str:
    return f"{approach}, ImageNet weights" if pretrained and approach == BASELINE else approach


def _published(name: str, metric: str, approach: str, count: int) -> str:
    known = published(name, metric, approach, count)
    return with_error(*known) if known else "–"


def _cost(row: Row) -> str:
    return f"{row.cost.mean / GIGA:,.4g}" if row.cost.mean else number(None)
