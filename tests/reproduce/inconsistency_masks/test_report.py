"""The report from stored figures: means, intervals, the published figures beside ours, and plots."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_imseg.engine.records import write_record
from napari_imseg.reproduce.estimate import Estimate
from napari_imseg.reproduce.figures_file import (
    GenerationFigures,
    StudentFigures,
    UnitFigures,
    figures_path,
    read_figures,
)
from napari_imseg.reproduce.inconsistency_masks import plots
from napari_imseg.reproduce.inconsistency_masks.approaches import COMPARED, VARIANTS
from napari_imseg.reproduce.inconsistency_masks.report import write_report
from napari_imseg.reproduce.inconsistency_masks.summary import (
    Row,
    gap_closed,
    published,
    published_gap_closed,
    rows,
)
from napari_imseg.reproduce.study import Study

QUALITY = {"FDT": 0.75, "LDT": 0.65, "IM": 0.72}


def student(validation: float, test: float, flops: float = 2e9) -> StudentFigures:
    metrics = {"iou": test, "dice": test + 0.1}
    return StudentFigures(member="m", validation=validation, test=metrics, forward_flops=flops, steps=100)


def generation(number: int, students: tuple[StudentFigures, ...], mean: float) -> GenerationFigures:
    return GenerationFigures(
        generation=number,
        students=students,
        ensemble={"iou": mean, "dice": mean} if students else {},
        cost=2e11 * max(1, len(students)),
        im_fraction=0.02,
        im_relative=0.2 / (number + 1),
        ranking=0.9 - mean if students else None,
        kept=9,
        dropped=1,
        shares=(0.9, 0.1),
    )


def unit(name: str, repetition: int) -> UnitFigures:
    """Two students of which validation prefers the second, in generation 0, or 1 and 2."""
    start = "LDT" if name == "IM" else ""
    own = [1, 2] if start else [0]
    shift = 0.01 * (repetition - 1)
    generations = [generation(0, (), 0.0)] if start else []
    for number in own:
        test = QUALITY[name] + shift - 0.05 * (own[-1] - number)
        students = (student(0.5, 0.99), student(0.6 + 0.05 * number, test))
        generations.append(generation(number, students, test + 0.02))
    return UnitFigures(
        approach=name,
        repetition=repetition,
        seed=repetition,
        start=start,
        run="r001",
        labeled=4,
        seconds=60,
        generations=tuple(generations),
    )


@pytest.fixture
def stored(tmp_path: Path, study: Study) -> Study:
    """A comparison on the data of the paper of which only the figures are there."""
    info = study.info.model_copy(
        update={
            "data": "isic",
            "title": "ISIC 2018",
            "classes": ("lesion",),
            "metrics": ("iou", "dice"),
            "shares": (0.8, 0.2),
            "examples": (),
        }
    )
    made = Study(study.out, info)
    for name in QUALITY:
        for repetition in range(3):
            write_record(figures_path(made.out, name, repetition), unit(name, repetition))
    return made


def test_the_mean_has_its_standard_error_and_interval() -> None:
    values = (0.71, 0.72, 0.73)
    found = Estimate(values)
    assert found.mean == pytest.approx(0.72)
    assert found.error == pytest.approx(0.01 / math.sqrt(3))
    assert found.half == pytest.approx(4.3027 * 0.01 / math.sqrt(3), rel=1e-4)  # Student's t, 2 degrees
    assert math.isnan(Estimate((0.7,)).half)
    assert (found.best("iou"), found.best("mcce")) == (0.73, 0.71)
    assert Estimate((*values, 0.9, 0.1)).best("iou") == 0.73  # the published best is that of three


def test_the_student_that_validation_prefers_counts_and_not_the_best_on_the_test_images(
    stored: Study,
) -> None:
    by_name = {row.name: row for row in rows(read_figures(stored.out), stored.info.metrics)}
    assert by_name["IM"].quality["iou"].mean == pytest.approx(0.72)
    assert by_name["IM"].quality["dice"].mean == pytest.approx(0.82)
    assert by_name["IM"].ensemble["iou"].mean == pytest.approx(0.74)
    assert by_name["IM"].repetitions == 3


def test_generation_zero_is_that_of_the_approach_it_starts_from(stored: Study) -> None:
    by_name = {row.name: row for row in rows(read_figures(stored.out), stored.info.metrics)}
    assert {number: round(one.mean, 3) for number, one in by_name["IM"].generations.items()} == {
        0: 0.65,
        1: 0.67,
        2: 0.72,
    }
    # the networks that were taken over count: 2e11 of generation 0, then 4e11 for each of two more
    assert by_name["IM"].cost.mean == pytest.approx(10e11)


def test_the_gap_is_closed_as_the_published_tables_have_it(stored: Study) -> None:
    found = rows(read_figures(stored.out), stored.info.metrics)
    assert gap_closed(found, found[-1], "iou") == pytest.approx((0.7, 0), abs=1e-9)
    # METHODS and the targets of the project: .65 ISIC, .89 HeLa, .54 SUIM, .64 Cityscapes
    shares = [published_gap_closed(data, "IM") for data in ("isic", "hela", "suim", "cityscapes")]
    assert np.round(shares, 2).tolist() == [0.65, 0.89, 0.54, 0.64]
    assert published_gap_closed("isic", "AIM++") == pytest.approx(99 / 80)
    assert math.isnan(published_gap_closed("isic", "pixel classifier"))


def row(name: str, **values: tuple[float, ...]) -> Row:
    quality = {metric: Estimate(found) for metric, found in values.items()}
    numbers = tuple(range(len(next(iter(values.values())))))
    return Row(name, "", numbers, quality, quality, {}, {}, {}, Estimate(()), Estimate(()), ())


def test_the_gap_has_the_error_of_a_jackknife_over_the_repetitions_that_all_have() -> None:
    low, high, own = (0.6, 0.62, 0.58, 0.1), (0.7, 0.71, 0.7), (0.66, 0.69, 0.67)
    rows = [row("LDT", iou=low), row("FDT", iou=high), row("IM", iou=own)]
    without = [  # share of the other two repetitions
        (sum(own) - own[place] - sum(low[:3]) + low[place])
        / (sum(high) - high[place] - sum(low[:3]) + low[place])
        for place in range(3)
    ]
    error = math.sqrt(2 / 3 * sum((each - np.mean(without)) ** 2 for each in without))
    assert gap_closed(rows, rows[2], "iou") == pytest.approx((0.22 / 0.31, error))
    assert gap_closed(rows, rows[0], "iou") == (0, 0)


def test_a_gap_that_may_be_none_is_not_divided_by() -> None:
    rows = [row("LDT", iou=(0.6, 0.7, 0.62)), row("FDT", iou=(0.64, 0.69, 0.68)), row("IM", iou=(0.7,) * 3)]
    assert np.isnan(gap_closed(rows, rows[2], "iou")).all()
    single = [row("LDT", iou=(0.6,)), row("FDT", iou=(0.8,))]
    assert np.isnan(gap_closed(single, single[0], "iou")).all()
    assert np.isnan(gap_closed(rows[1:], rows[2], "iou")).all()


def test_fewer_miscounted_cells_are_an_improvement() -> None:
    rows = [row("LDT", mcce=(4, 4.1, 3.9)), row("FDT", mcce=(2, 2.1, 1.9)), row("IM", mcce=(2.5, 2.6, 2.4))]
    assert gap_closed(rows, rows[2], "mcce")[0] == pytest.approx(0.75)
    worse = [replace(rows[0], name="FDT"), replace(rows[1], name="LDT"), rows[2]]
    assert np.isnan(gap_closed(worse, rows[2], "mcce")).all()


def test_published_figures_stand_beside_ours(stored: Study) -> None:
    page = write_report(stored)
    assert page is not None
    lines = page.read_text().splitlines()
    header = next(line for line in lines if line.startswith("| approach"))
    row = next(line for line in lines if line.startswith("| IM |"))
    cells = dict(zip(_cells(header), _cells(row), strict=True))
    assert cells["IoU, best student"] == "0.720 ± 0.006"
    assert cells["95 % interval"] == "0.695 to 0.745"
    assert cells["best of the first 3"] == "0.730"
    assert cells["**published**, best of 3 (ISIC 2018)"] == "0.723"
    assert cells["gap closed"] == "0.70 ± 0.00"
    assert cells["gap closed, **published** (Cityscapes)"] == "0.64"
    text = page.read_text()
    assert "share one draw of labeled images" in text
    assert f"the {len(stored.info.splits.validation)} validation images, which are labeled, too" in text
    with (page.parent / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(line["approach"], line["metric"]) for line in table][-2:] == [("IM", "iou"), ("IM", "dice")]
    assert float(table[-2]["published_best_of_3"]) == published()["isic"]["iou"]["IM"]
    assert float(table[-1]["published_best_of_3"]) == published()["isic"]["dice"]["IM"]


def test_each_plot_is_a_picture_with_something_on_it_and_shown_on_the_page(stored: Study) -> None:
    page = write_report(stored)
    assert page is not None
    text = page.read_text()
    for name in ("quality", "cost", "balance", "im-size"):
        assert f"({name}.png)" in text
        with Image.open(page.parent / f"{name}.png") as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert "examples.png" not in text


def test_the_page_says_how_well_masks_rank(stored: Study) -> None:
    page = write_report(stored)
    assert page is not None
    lines = [line for line in page.read_text().splitlines() if line.startswith("| IM |")]
    assert _cells(lines[-1]) == ["IM", "–", "0.210 ± 0.006", "0.160 ± 0.006"]
    assert "and 1 - IoU of the pseudo-label" in page.read_text()


def test_one_repetition_has_no_error_and_other_data_no_published_column(study: Study) -> None:
    info = study.info.model_copy(update={"classes": ("cell",), "metrics": ("iou",), "examples": ()})
    write_record(figures_path(study.out, "IM", 0), unit("IM", 0))
    page = write_report(Study(study.out, info.model_copy(update={"shares": (0.8, 0.2)})))
    assert page is not None
    assert "| IM | 0.710 | – | 0.710 |" in page.read_text()
    assert "best of 3 (" not in page.read_text().splitlines()[4]


def test_variants_have_lines_and_a_panel_of_their_own(stored: Study) -> None:
    write_report(stored)
    with Image.open(stored.out / "report" / "quality.png") as picture:
        without = np.asarray(picture.convert("RGB"))
    figures = unit("IM", 0).model_copy(update={"approach": "IM e=3"})
    write_record(figures_path(stored.out, "IM e=3", 0), figures)
    page = write_report(stored)
    assert page is not None
    assert "| IM e=3 | 0.710 | –" in page.read_text()
    with Image.open(page.parent / "quality.png") as picture:
        drawn = np.asarray(picture.convert("RGB"))
    assert drawn.shape == without.shape
    assert (drawn != without).any()


def test_every_approach_is_drawn_and_no_two_variants_alike() -> None:
    one = Estimate((0.7, 0.72))
    quality, numbered = {"iou": one}, {0: one, 1: one}
    every = [
        Row(each.name, "", (0, 1), quality, quality, numbered, numbered, numbered, one, one, ())
        for each in COMPARED + VARIANTS
    ]
    plots.quality(every, "iou")
    plots.cost(every, "iou")
    figure = plots.im_size(every)
    assert figure is not None
    lines, names = figure.axes[0].get_legend_handles_labels()
    assert names == [row.name for row in every]
    looks = {(line[0].get_color(), line[0].get_marker()) for line in lines[len(COMPARED) :]}
    assert len(looks) == len(VARIANTS)


def test_without_a_finished_unit_there_is_no_report(study: Study) -> None:
    assert write_report(study) is None
    assert not (study.out / "report").exists()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
