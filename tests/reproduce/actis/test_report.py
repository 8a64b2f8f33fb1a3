"""The report from stored figures: means and standard deviations, with the published figures beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_imseg.core.components import COMPONENTS
from napari_imseg.engine.records import write_record
from napari_imseg.reproduce.actis.plots import STYLES
from napari_imseg.reproduce.actis.published import published
from napari_imseg.reproduce.actis.tiles import METRICS
from napari_imseg.reproduce.comparisons import COMPARISONS
from napari_imseg.reproduce.figures_file import (
    GenerationFigures,
    StudentFigures,
    UnitFigures,
    figures_path,
)
from napari_imseg.reproduce.study import Study
from tests.reproduce.actis.test_scales import study

ACTIS = COMPARISONS["actis"]
QUALITY = {"Baseline": 0.70, "ACTIS": 0.75}
WORSE = 0.5
"""Of the network that validation does not choose."""


def unit(name: str, count: int, repetition: int) -> UnitFigures:
    value = QUALITY.get(name, 0.6) + 0.01 * (repetition - 1)
    last = generation(1, value, validation=0.5)
    early = [generation(0, 0.99, validation=0.9)] if name.startswith("IM") else []
    return UnitFigures(
        approach=name,
        repetition=repetition,
        seed=0,
        start="",
        run="r001",
        labeled=count,
        seconds=1,
        generations=(*early, last),
    )


def generation(number: int, value: float, validation: float) -> GenerationFigures:
    metrics = dict.fromkeys(METRICS, value)
    student = StudentFigures(member="m", validation=validation, test=metrics, forward_flops=1e9, steps=10)
    worse = student.model_copy(update={"validation": 0.1, "test": dict.fromkeys(METRICS, WORSE)})
    return GenerationFigures(
        generation=number,
        students=(student, worse),
        ensemble=metrics,
        cost=2e10,
        im_fraction=None,
        im_relative=None,
        kept=0,
        dropped=0,
        shares=(),
    )


def stored(out: Path, names: tuple[str, ...], weights: str = "") -> Study:
    """Three label samples of 10 and 19 tiles, of which only the figures are there."""
    made = study("paper", weights)
    made = replace(made, out=out, info=made.info.model_copy(update={"metrics": METRICS}))
    for name in names:
        for count in (10, 19):
            for repetition in range(3):
                write_record(figures_path(out, name, repetition, count), unit(name, count, repetition))
    return made


def lines(page: Path, start: str) -> list[list[str]]:
    """Cells of the lines of a table that begin so."""
    found = [line for line in page.read_text().splitlines() if line.startswith(start)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


@pytest.fixture(autouse=True)
def without_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no projects to take them from."""
    monkeypatch.setattr("napari_imseg.reproduce.actis.report.pictured", lambda study: [])


def test_published_figures_stand_beside_ours_for_each_number_of_tiles(tmp_path: Path) -> None:
    page = ACTIS.report(stored(tmp_path, ("Baseline", "ACTIS")))
    assert page is not None
    header, ours = lines(page, "| labeled")[0], lines(page, "| 19 | ACTIS")[0]
    cells = dict(zip(header, ours, strict=True))
    assert cells["label samples"] == "3"
    assert cells["AP.50 (precision x recall)"] == "0.750 ± 0.010"
    beside = {
        left: cell for left, name, cell in zip(header, header[1:], ours[1:], strict=False) if "**" in name
    }
    assert beside == {
        "AP.50 (precision x recall)": "0.801 ± 0.014",
        "AP.10:.90 (precision x recall)": "0.604 ± 0.021",
        "S_DSB": "0.813 ± 0.012",
        "F1 (clipped)": "0.889 ± 0.009",
    }
    assert {"AP.50 (precision)", "AP.10:.90 (precision)", "F1"} <= set(header)
    every = lines(page, "| all 3800")
    assert [cell for cell in every[0][3:] if cell != "–"] == [
        "0.847 ± 0.010",
        "0.650 ± 0.010",
        "0.916 ± 0.006",
    ]
    assert cells["**published**, Table 2"] == "0.813 ± 0.012"
    baseline = lines(page, "| 10 | Baseline")[0]
    assert "0.728 ± 0.030" in baseline
    assert "Table 3" not in "".join(header)
    figures = json.loads((page.parent / "figures.json").read_text())["rows"]
    assert [(row["labeled"], row["approach"]) for row in figures] == [
        (10, "Baseline"),
        (10, "ACTIS"),
        (19, "Baseline"),
        (19, "ACTIS"),
    ]
    assert figures[-1]["best_student"]["s_dsb"]["values"] == pytest.approx([0.74, 0.75, 0.76])
    assert figures[-1]["published"]["table 2, s_dsb"] == {"mean": 0.813, "deviation": 0.012}
    every_label = json.loads((page.parent / "figures.json").read_text())["published_with_all_labels"]
    assert every_label["table 1, ap50_pr"]["mean"] == 0.847
    assert (page.parent / "quality.png").stat().st_size > 10_000


def test_the_report_says_that_the_published_f1_is_clipped(tmp_path: Path) -> None:
    page = ACTIS.report(stored(tmp_path, ("ACTIS",)))
    assert page is not None
    assert "F1 is clipped, 2 P R / max(1, P + R)" in page.read_text()


def test_networks_before_the_last_generation_do_not_count(tmp_path: Path) -> None:
    """However good they are: IM x ACTIS has twice as many of them as ACTIS."""
    page = ACTIS.report(stored(tmp_path, ("ACTIS", "IM x ACTIS")))
    assert page is not None
    (cells,) = lines(page, "| 19 | IM x ACTIS | 3")
    assert cells[3] == "0.600 ± 0.010"


def test_a_comparison_that_was_begun_with_fewer_metrics_is_reported(tmp_path: Path) -> None:
    made = stored(tmp_path, ("ACTIS",))
    fewer = replace(made, info=made.info.model_copy(update={"metrics": METRICS[:3]}))
    page = ACTIS.report(fewer)
    assert page is not None
    assert "F1 (clipped)" not in lines(page, "| labeled")[0]


def test_every_row_can_be_drawn() -> None:
    assert {one.name for one in ACTIS.approaches} == STYLES.keys()
    assert len(set(STYLES.values())) == len(STYLES)


def test_the_ablation_has_a_table_of_its_own(tmp_path: Path) -> None:
    names = ("Baseline", "ACTIS", "ACTIS frozen", "ACTIS unfiltered")
    page = ACTIS.report(stored(tmp_path / "random", names))
    assert page is not None
    assert lines(page, "| 19 | ACTIS unfiltered")[-1] == [
        "19",
        "ACTIS unfiltered",
        "0.600 ± 0.010",
        "0.786 ± 0.021",
    ]
    assert lines(page, "| 10 | ACTIS unfiltered")[-1][-1] == "–"
    assert lines(page, "| 19 | Baseline")[-1][-1] == "0.715 ± 0.010"  # no pre-training
    page = ACTIS.report(stored(tmp_path / "imagenet", names, "imagenet"))
    assert page is not None
    assert lines(page, "| 19 | Baseline")[-1][-1] == "0.782 ± 0.015"


def test_gains_are_those_within_the_same_label_samples(tmp_path: Path) -> None:
    """The samples differ by .01, the gains do not; of two networks one is equally bad in all rows."""
    page = ACTIS.report(stored(tmp_path, ("Baseline", "ACTIS", "IM x ACTIS")))
    assert page is not None
    known = {name: QUALITY.get(name, 0.6) for name in ("Baseline", "ACTIS", "IM x ACTIS")}
    for row, over in (("ACTIS", "Baseline"), ("IM x ACTIS", "Baseline"), ("IM x ACTIS", "ACTIS")):
        gain = known[row] - known[over]
        said = [f"{each:.3f} ± 0.000" for each in (gain, gain / 2)]
        assert ["19", row, over, *said] in lines(page, f"| 19 | {row} | {over}")


def test_mean_of_both_networks_is_beside_the_chosen_one(tmp_path: Path) -> None:
    page = ACTIS.report(stored(tmp_path, ("ACTIS",)))
    assert page is not None
    row = lines(page, "| 19 | ACTIS")[0]
    assert "0.625 ± 0.005" in row  # of .75 ± .01 and .5
    figures = json.loads((page.parent / "figures.json").read_text(encoding="utf-8"))
    found = next(row for row in figures["rows"] if row["labeled"] == 19)
    assert found["mean_of_networks"]["s_dsb"]["mean"] == pytest.approx(0.625)


def test_published_figures_are_those_of_the_tables() -> None:
    assert published("1", "ap50_pr", "ACTIS", 76) == (0.821, 0.001)
    assert published("1", "ap10_90_pr", "ACTIS", 10) == (0.599, 0.019)
    assert published("1", "f1_50_clipped", "ACTIS", 3800) == (0.916, 0.006)
    assert published("2", "s_dsb", "DenoiSeg", 10) == (0.69, 0.006)
    assert published("3", "ap50_pr", "ACTIS frozen", 19) == (0.8, 0.011)
    assert published("1", "ap50_pr", "pixel classifier", 10) is None


def test_denoiseg_has_the_figure_of_its_own_paper_as_well(tmp_path: Path) -> None:
    """But where a unit was measured by a version that did not take it."""
    made = stored(tmp_path, ("DenoiSeg", "ACTIS"))
    for repetition, value in enumerate((0.64, 0.66)):
        figures = unit("DenoiSeg", 19, repetition)
        (last,) = figures.generations
        test = last.students[0].test | {COMPONENTS: value}
        student = last.students[0].model_copy(update={"test": test})
        last = last.model_copy(update={"students": (student,)})
        write_record(
            figures_path(tmp_path, "DenoiSeg", repetition, 19),
            figures.model_copy(update={"generations": (last,)}),
        )
    page = ACTIS.report(made)
    assert page is not None
    text = page.read_text()
    own = text[text.index("## DenoiSeg with its own objects") :]
    header, _, *rows = [line for line in own.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "labeled",
        "label samples",
        "S_DSB of connected components",
        "**published**, DenoiSeg, alpha .5",
        "**published**, DenoiSeg, best alpha",
        "**published**, Table 2",
    ]
    assert rows == ["| 19 | 2 | 0.650 ± 0.014 | 0.637 ± 0.010 | 0.667 ± 0.002 | 0.705 ± 0.005 |"]
    figures = json.loads((page.parent / "figures.json").read_text())["rows"]
    assert [row.get(COMPONENTS, {}).get("values") for row in figures] == [None, None, [0.64, 0.66], None]
    assert figures[2]["published"]["table DenoiSeg, alpha .5, s_dsb_components"]["mean"] == 0.637


def test_without_that_figure_nothing_is_said_of_it(tmp_path: Path) -> None:
    page = ACTIS.report(stored(tmp_path, ("DenoiSeg", "ACTIS")))
    assert page is not None
    assert "its own objects" not in page.read_text()


def test_without_a_finished_unit_there_is_no_report(tmp_path: Path) -> None:
    assert ACTIS.report(stored(tmp_path, ())) is None
    assert not (tmp_path / "report").exists()
