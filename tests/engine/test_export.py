"""Evaluation and export: what leaves the program."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.engine.evaluation import evaluate
from napari_imseg.engine.export import export
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run


@pytest.fixture
def trained(project: Project, quick: RunSettings) -> Project:
    settings = quick.model_copy(update={"generations": 0, "method": "supervised"})
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    list(Generations(project, run, settings, lambda: False).events())
    return project


def test_evaluation_measures_each_image_and_their_mean(trained: Project) -> None:
    model = Model.load(trained, find_generation(trained), "cpu")
    pairs = []
    for record in trained.labeled():
        label = trained.read_label(record.id)
        assert label is not None
        pairs.append((record.id, trained.network_image(record.id), label))

    steps = evaluate(model, pairs)
    told = []
    try:
        while True:
            told.append(next(steps))
    except StopIteration as end:
        result = end.value

    assert [name for name, _ in told] == [name for name, _, _ in pairs]
    assert result.overall.keys() >= {"iou", "dice", "mpa"}
    assert result.overall["iou"] == pytest.approx(np.mean([metrics["iou"] for _, metrics in told]))


def test_labels_are_exported_where_confirmed_and_pseudo_labels_elsewhere(
    trained: Project, tmp_path: Path
) -> None:
    record = find_generation(trained)
    progress = list(export(trained, record, tmp_path / "out"))
    assert progress[-1] == (12, 12)
    confirmed, guessed = trained.labeled()[0], trained.unlabeled()[0]
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out" / "masks" / f"{confirmed.id}.tif"), trained.read_label(confirmed.id)
    )
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out" / "masks" / f"{guessed.id}.tif"),
        trained.read_prediction(record.name, guessed.id).pseudo_label_H_W,
    )
    im = tifffile.imread(tmp_path / "out" / "inconsistency" / f"{guessed.id}.tif")
    np.testing.assert_array_equal(im > 0, trained.read_prediction(record.name, guessed.id).im_H_W)
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} >= {"label"}
    assert all(float(row["area"]) > 0 for row in rows)


def test_an_unknown_generation_is_named(trained: Project) -> None:
    with pytest.raises(ProjectError, match="r001-g0"):
        find_generation(trained, "r009-g3")


def test_nothing_trained_yet(project: Project) -> None:
    with pytest.raises(ProjectError, match="train a generation first"):
        find_generation(project)
