"""The work itself, on all approaches but for seconds only: shared teachers, nothing twice, a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_imseg.core.problem import Task
from napari_imseg.engine.events import Event, StudentFinished
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.runs import Run, runs
from napari_imseg.reproduce.approach import REFERENCE
from napari_imseg.reproduce.dataset import DataSet, Pair, Source
from napari_imseg.reproduce.figures_file import UnitFigures, read_figures
from napari_imseg.reproduce.inconsistency_masks import scales
from napari_imseg.reproduce.inconsistency_masks.report import write_report
from napari_imseg.reproduce.measuring import Measure
from napari_imseg.reproduce.splits import draw
from napari_imseg.reproduce.starting import begin
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.reproduce.units import Interrupted, Unit, units, work
from napari_imseg.synthetic.dataset import KINDS, write_dataset
from tests.reproduce.conftest import IM, TINY

METRICS = ("miou_ad", "mcce")

pytestmark = pytest.mark.slow


def never() -> bool:
    return False


def do(study: Study, names: list[str], repetitions: int = 1) -> list[Unit | Event]:
    planned = units(study, IM, TINY, IM.chosen(names, TINY), repetitions, "cpu")
    with Measure(study.test, "cpu") as measure:
        return list(work(planned, measure, never))


def trained(told: list[Unit | Event]) -> list[tuple[int, int]]:
    return [(one.generation, one.student) for one in told if isinstance(one, StudentFinished)]


@pytest.fixture(scope="module")
def complete(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[str, UnitFigures]]:
    """Every approach once; not to be changed."""
    study = begin(tmp_path_factory.mktemp("all") / "out", drawn, IM, Terms(IM.name, "smoke", 4, 1))
    do(study, [])
    return study, {one.approach: one for one in read_figures(study.out)}


def run_of(study: Study, figures: UnitFigures) -> Run:
    approach = next(one for one in IM.approaches if one.name == figures.approach)
    return Run.open(study.project(approach.images) / "runs" / figures.run)


def test_every_approach_has_figures(complete: tuple[Study, dict[str, UnitFigures]]) -> None:
    _, figures = complete
    assert set(figures) == set(IM.usual())
    for one in IM.chosen([], TINY):
        found = figures[one.name]
        assert [each.generation for each in found.generations] == ([0, 1] if one.teaches else [0])
        assert 0 <= found.best.test["miou"] <= 1
        assert 0 <= found.generations[-1].ensemble["mpa"] <= 1
        assert (found.cost > 0) == (one.name != REFERENCE)


def test_all_approaches_learn_the_same_sets(complete: tuple[Study, dict[str, UnitFigures]]) -> None:
    study, figures = complete
    sets = {
        name: (run_of(study, one).folder / "training_set.json").read_text()
        for name, one in figures.items()
        if name not in ("FDT", REFERENCE)
    }
    assert len(set(sets.values())) == 1
    assert len(json.loads(sets["LDT"])["labeled"]) == len(study.info.splits.labeled)


def test_teachers_of_generation_zero_are_trained_once(complete: tuple[Study, dict[str, UnitFigures]]) -> None:
    study, figures = complete
    first: dict[str, list[bytes]] = {}
    for name, one in figures.items():
        folder = run_of(study, one).checkpoints
        first[name] = [path.read_bytes() for path in sorted(folder.glob("g0-s*.safetensors"))]
    for name in ("ME", "IE", "NS", "IM", "IM+", "IM++", "GT-IM++"):
        assert first[name] == first["LDT"], name
    for name in ("AIM+", "AIM++"):
        assert first[name] == first["ALDT"], name
    assert first["EvalNet"] == first["LDT"] + first["ALDT"]
    assert first["LDT"] != first["ALDT"]


def test_what_was_taken_over_costs_but_is_not_measured_twice(
    complete: tuple[Study, dict[str, UnitFigures]],
) -> None:
    _, figures = complete
    im, ldt = figures["IM"], figures["LDT"]
    assert not im.generations[0].students
    assert im.generations[0].cost == ldt.generations[0].cost == ldt.cost
    own = im.generations[1].students
    assert im.cost == ldt.cost + sum(one.forward_flops * one.steps for one in own)
    assert figures["IM++"].generations[0].cost > ldt.cost  # an EvalNet


def test_class_shares_are_those_of_what_the_next_students_learned(
    complete: tuple[Study, dict[str, UnitFigures]],
) -> None:
    study, figures = complete
    assert sum(study.info.shares) == pytest.approx(1)
    for name in ("ME", "IE", "NS", "IM", "IM left out", "IM+", "AIM+"):
        first, last = figures[name].generations
        assert sum(first.shares) == pytest.approx(1), name
        assert len(first.shares) == 3
        assert last.shares == ()  # nobody learns from the last teachers
    for name in ("FDT", "LDT", "ALDT", "CL", REFERENCE):
        assert [each.shares for each in figures[name].generations][-1] == ()


def test_versions_are_counted_in_the_range_of_the_networks_that_learned_augmented_labels(
    complete: tuple[Study, dict[str, UnitFigures]],
) -> None:
    study, figures = complete
    scores = [student.validation for student in figures["ALDT"].generations[0].students]
    for name in ("IM++", "AIM++", "GT-IM++"):
        own = run_of(study, figures[name]).settings["method_settings"]
        assert (own["lowest"], own["highest"]) == (min(scores), max(scores)), name


def test_the_report_shows_all_of_them_with_examples(complete: tuple[Study, dict[str, UnitFigures]]) -> None:
    study, figures = complete
    page = write_report(study)
    assert page is not None
    text = page.read_text()
    assert all(f"| {name} |" in text for name in figures)
    drawn = {path.name for path in page.parent.glob("*.png")}
    assert drawn == {"quality.png", "cost.png", "balance.png", "im-size.png", "examples.png"}


def test_what_is_complete_is_not_done_again(study: Study) -> None:
    assert trained(do(study, ["LDT"])) == [(0, 0), (0, 1)]
    assert do(study, ["LDT"]) == []
    told = do(study, ["ME"])
    assert trained(told) == [(1, 0), (1, 1)]
    assert [one.approach.name for one in told if isinstance(one, Unit)] == ["ME"]
    more = do(study, ["ME"], repetitions=2)
    assert [(one.approach.name, one.repetition) for one in more if isinstance(one, Unit)] == [
        ("LDT", 1),
        ("ME", 1),
    ]
    seeds = {one.repetition: one.seed for one in read_figures(study.out) if one.approach == "ME"}
    assert seeds == {0: 1, 1: 2}


def test_work_that_was_stopped_goes_on_where_it_was(study: Study) -> None:
    asked = iter(range(10**6))
    first: list[Unit | Event] = []
    planned = units(study, IM, TINY, IM.chosen(["ME"], TINY), 1, "cpu")
    with Measure(study.test, "cpu") as measure, pytest.raises(Interrupted):
        first.extend(work(planned, measure, lambda: next(asked) >= 9))
    assert not any(one.approach == "ME" for one in read_figures(study.out))
    second = do(study, ["ME"])
    assert sorted(trained(first) + trained(second)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(runs(study.project("limited"))) == 2
    assert [one.approach for one in read_figures(study.out)] == ["LDT", "ME"]


def test_a_run_that_is_finished_but_not_measured_is_only_measured(study: Study) -> None:
    do(study, ["LDT"])
    before = read_figures(study.out)
    next((study.out / "figures").iterdir()).unlink()
    assert trained(do(study, ["LDT"])) == []
    assert read_figures(study.out) == before


def test_an_image_that_is_gone_stops_the_work_with_its_name(study: Study) -> None:
    gone = study.out / "study" / "data" / "train" / "images" / f"{study.info.splits.labeled[0]}.tif"
    gone.unlink()
    with pytest.raises(ProjectError, match=f"LDT: .*{gone.name}"):
        do(study, ["LDT"])


def test_masks_of_living_and_dead_cells(tmp_path: Path) -> None:
    """Three masks, as in HeLa."""
    kind = "brightfield-alive-dead"
    write_dataset(kind, tmp_path / "data", 12, seed=1, shape=(64, 64))

    def reader(path: Path) -> Callable[[], Pair]:
        label = tmp_path / "data" / "labels" / path.name
        return lambda: (tifffile.imread(path)[None], tifffile.imread(label).astype(np.int32))

    paths = sorted((tmp_path / "data" / "images").iterdir())
    sources = tuple(Source(path.stem, path.stem, "any", reader(path)) for path in paths)
    data = DataSet("hela", "HeLa", Task.MULTILABEL, KINDS[kind].classes, METRICS, sources, "range")
    study = Study.prepare(tmp_path / "out", data, draw(sources, 3, 0), Terms(IM.name, "smoke", 3, 0))
    do(study, ["IM", "GT-IM++"])
    figures = {one.approach: one for one in read_figures(study.out)}
    assert set(figures["GT-IM++"].best.test) >= {"miou_ad", "mcce"}
    assert len(study.info.shares) == len(figures["IM"].generations[0].shares) == 3
    page = write_report(study)
    assert page is not None
    assert "cell count error" in page.read_text()
    assert "| 0.682 |" in page.read_text()  # published IM on HeLa


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_imseg.cli.app import app

    monkeypatch.setitem(scales.SCALES, "smoke", TINY)
    out = tmp_path / "out"

    def call(*options: str) -> tuple[int, str, str]:
        command = ["reproduce", "inconsistency-masks", "--out", str(out), *options]
        result = CliRunner().invoke(app, command)
        return result.exit_code, result.stdout, result.stderr

    code, stdout, stderr = call("--approaches", "IM", "--labeled", "4", "--device", "cpu")
    assert code == 0, stderr
    assert "1 of 2: LDT, repetition 1" in stderr
    assert "2 of 2: IM, repetition 1" in stderr
    assert f"report: {out / 'report' / 'report.md'}" in " ".join(stdout.split())
    code, _, stderr = call("--approaches", "IM", "--labeled", "4", "--device", "cpu")
    assert (code, "repetition" in stderr) == (0, False)
    for options, expected, part in (
        (["--labeled", "5"], 1, "holds a comparison with --labeled 4.0, not 5.0"),
        (["--scale", "huge"], 2, "no scale 'huge'"),
        (["--approaches", "LTD"], 2, "no approach 'ltd'"),
    ):
        code, _, stderr = call(*options)
        assert (code, part in stderr) == (expected, True), stderr
    result = CliRunner().invoke(app, ["reproduce", "acti", "--out", str(out)])
    assert result.exit_code == 2
    assert "no comparison 'acti'; choose: inconsistency-masks or actis" in result.stderr
