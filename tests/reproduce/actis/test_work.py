"""The comparison from end to end on drawn cells, for seconds only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_imseg.cli.app import app
from napari_imseg.core.components import COMPONENTS
from napari_imseg.project.project import Project
from napari_imseg.reproduce.actis import scales
from napari_imseg.reproduce.actis.tiles import Bounds
from napari_imseg.reproduce.figures_file import read_figures
from napari_imseg.reproduce.study import Study

pytestmark = pytest.mark.slow

TINY = replace(
    scales.SCALES["smoke"],
    run=scales.SCALES["smoke"].run | {"alpha": 0.125, "tile": 32},
    repetitions=1,
    epochs_of_steps=2,
    steps=2,
    bounds=Bounds(tile=32, training=12, validation=4),
    counts=(2, 3),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scales.SCALES, "smoke", TINY)


def call(out: Path, *options: str) -> tuple[int, str]:
    command = ["reproduce", "actis", "--out", str(out), "--device", "cpu", *options]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.stderr


def test_rows_are_done_once_and_share_their_first_networks(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, told = call(out, "--labeled", "2")
    assert code == 0, told
    assert "Baseline, 2 labeled, repetition 1" in told
    figures = {one.approach: one for one in read_figures(out)}
    assert {"pixel classifier", "Baseline", "ACTIS", "ACTIS frozen", "IM x ACTIS"} <= set(figures)
    for one in figures.values():
        assert one.labeled == 2
        assert set(one.best.test) >= {"ap50_pr", "ap50_precision", "s_dsb", "f1_50"}
        assert (COMPONENTS in one.best.test) == (one.approach == "DenoiSeg")
    study = Study.open(out)
    assert study is not None
    runs = study.project("limited", 2) / "runs"
    first = {
        name: [
            path.read_bytes()
            for path in sorted((runs / figures[name].run / "checkpoints").glob("g0-s*.safetensors"))
        ]
        for name in ("Baseline", "ACTIS", "ACTIS frozen", "IM x ACTIS")
    }
    assert len(first["Baseline"]) == 2
    assert all(found == first["Baseline"] for found in first.values())
    report = out / "report"
    assert {path.name for path in report.iterdir()} == {
        "report.md",
        "figures.json",
        "quality.png",
        "examples.png",
    }
    assert "## DenoiSeg with its own objects" in (report / "report.md").read_text()
    code, told = call(out, "--labeled", "2")
    assert (code, "repetition" in told) == (0, False)


def test_further_numbers_of_tiles_join_and_contain_the_smaller_sample(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, told = call(out, "--approaches", "pixel classifier")
    assert code == 0, told
    assert [one.labeled for one in read_figures(out)] == [2, 3]
    study = Study.open(out)
    assert study is not None
    labeled = {}
    for count in (2, 3):
        with Project.open(study.project("limited", count)) as project:
            labeled[count] = {Path(one.path).stem for one in project.labeled("train")}
            assert len(project.labeled("validation")) == 4
            assert len(project.unlabeled()) == 12 - count
    assert labeled[2] < labeled[3]
    assert labeled[2] == set(study.labeled(2, 0))


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path) -> None:
    for options, expected, part in (
        (["--labeled", "0.1"], 2, "numbers of labeled tiles"),
        (["--approaches", "cutis"], 2, "no approach 'cutis'"),
        (["--weights", "imagenet"], 2, "leave out --weights"),
        (["--scale", "paper", "--weights", str(tmp_path / "none.pth")], 1, "none.pth"),
        (["--classes", "a,b"], 1, "leave out --classes"),
        (["--scale", "laptop"], 1, "needs images"),
    ):
        code, told = call(tmp_path / "out", *options)
        assert (code, part in " ".join(told.split())) == (expected, True), told
