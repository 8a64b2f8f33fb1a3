"""Evaluation and export: what leaves the program."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.evaluation import evaluate
from napari_imseg.engine.export import export
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import GenerationRecord, find_generation
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.records import ImageRecord
from napari_imseg.project.runs import Run
from napari_imseg.synthetic.dataset import write_dataset


def made_project(folder: Path, task: Task, classes: list[str]) -> Project:
    """Six images of 64 x 64 pixels without labels."""
    write_dataset("nuclei", folder / "data", 6, seed=1, shape=(64, 64))
    return Project.create(folder / "project", images=folder / "data" / "images", task=task, classes=classes)


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
        pairs.append((record.id, model.ensemble.mean(trained.network_image(record.id)), label))

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


def test_objects_keep_their_ids_however_high(tmp_path: Path) -> None:
    ids = np.zeros((64, 64), np.int32)
    ids[2:12, 2:12], ids[20:40, 5:25], ids[20:40, 25:30] = 70_000, 2_000_000_000, 3
    with made_project(tmp_path, Task.INSTANCES, ["cell"]) as project:
        image = project.unlabeled()[0]
        project.write_label(image.id, ids)
        list(export(project, None, tmp_path / "out"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "masks" / f"{stem(image)}.tif"), ids)
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        rows = [(row["id"], float(row["area"])) for row in csv.DictReader(file)]
    assert rows == [("3", 100), ("70000", 100), ("2000000000", 400)]


def test_labels_are_exported_where_confirmed_and_pseudo_labels_elsewhere(
    trained: Project, tmp_path: Path
) -> None:
    record = find_generation(trained)
    progress = list(export(trained, record, tmp_path / "out"))
    assert progress[-1] == (12, 12)
    confirmed, guessed = trained.labeled()[0], trained.unlabeled()[0]
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out" / "masks" / f"{stem(confirmed)}.tif"),
        trained.read_label(confirmed.id),
    )
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out" / "masks" / f"{stem(guessed)}.tif"),
        trained.read_prediction(record.name, guessed.id).pseudo_label_H_W,
    )
    im = tifffile.imread(tmp_path / "out" / "inconsistency" / f"{stem(guessed)}_im.tif")
    np.testing.assert_array_equal(im > 0, trained.read_prediction(record.name, guessed.id).im_H_W)
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} >= {"label"}
    assert all(float(row["area"]) > 0 for row in rows)
    told = json.loads((tmp_path / "out" / "export.json").read_text())
    assert told == {"generation": record.name, "unit": "pixel", "pixel_size": None}


def stem(image: ImageRecord) -> str:
    """Name of an image's file without its ending."""
    return Path(image.path).stem


PIXELS = {"unit": "pixel", "pixel_size": None}


def test_the_unit_of_measurements_is_told(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64), np.uint16)
    (tmp_path / "images").mkdir()
    tifffile.imwrite(
        tmp_path / "images" / "a.ome.tif",
        pixels,
        metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25},
    )
    ids = np.zeros((64, 64), np.int32)
    ids[:10, :10] = 1
    with Project.create(tmp_path / "p", images=tmp_path / "images", task=Task.INSTANCES) as project:
        project.write_label(project.unlabeled()[0].id, ids)
        list(export(project, None, tmp_path / "out"))
    told = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert told == {"generation": None, "unit": "micrometre", "pixel_size": [0.25, 0.5]}
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["area"]) == pytest.approx(100 * 0.25 * 0.5)


def record_of(generation: int = 0) -> GenerationRecord:
    """A generation whose predictions a test writes itself."""
    return GenerationRecord(
        run="r001",
        generation=generation,
        teachers=[],
        metric_name="iou",
        score=None,
        labeled=0,
        unlabeled=0,
        foreground_threshold=0.5,
        seed_threshold=0.5,
    )


def table(path: Path, key: str = "image") -> dict[str, dict[str, str]]:
    """Rows of a CSV file, by one of its columns."""
    with path.open(encoding="utf-8") as file:
        return {row[key]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_the_masks_of_a_multilabel_project_are_measured_one_by_one(tmp_path: Path, classes: int) -> None:
    names = ["cell", "nucleus", "vesicle"][:classes]
    with made_project(tmp_path, Task.MULTILABEL, names) as project:
        labeled, predicted = project.catalog.images()[:2]
        masks = np.zeros((classes, 64, 64), np.int32)
        for place in range(classes):
            masks[place, 10 : 20 + place, 10:20] = 1
        project.write_label(labeled.id, masks)
        project.write_prediction("r001-g0", predicted.id, masks[:, ::-1], masks[0] > 0)
        list(export(project, record_of(), tmp_path / "out"))

    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out" / "masks" / f"{stem(labeled)}.tif"), masks.squeeze()
    )
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8") as file:
        rows = [
            (row["image"], row["source"], row["class"], float(row["area"])) for row in csv.DictReader(file)
        ]
    areas = [(name, 100.0 + 10 * place) for place, name in enumerate(names)]
    assert rows == [(stem(labeled), "label", *area) for area in areas] + [
        (stem(predicted), "pseudo-label", *area) for area in areas
    ]


def test_a_label_in_part_is_completed_by_the_networks(tmp_path: Path) -> None:
    with made_project(tmp_path, Task.SEMANTIC, ["cell"]) as project:
        begun, done, lonely, erased = project.catalog.images()[:4]
        half = np.full((64, 64), UNLABELED, np.int32)
        half[:32] = 0
        half[5:10, 5:10] = 1
        pseudo = np.zeros((64, 64), np.int32)
        pseudo[40:50, 40:50] = pseudo[20:30, 20:30] = 1
        project.write_label(begun.id, half, state="partial")
        project.write_label(done.id, half)
        project.write_label(lonely.id, half)
        project.write_label(erased.id, np.full_like(half, UNLABELED), state="partial")
        for image in (begun, done, erased):
            project.write_prediction("r001-g0", image.id, pseudo, np.ones((64, 64), bool))
        list(export(project, record_of(), tmp_path / "out"))

    merged = np.where(half == UNLABELED, pseudo, half)
    for image in (begun, done):
        np.testing.assert_array_equal(
            tifffile.imread(tmp_path / "out" / "masks" / f"{stem(image)}.tif"), merged
        )
        im = tifffile.imread(tmp_path / "out" / "inconsistency" / f"{stem(image)}_im.tif")
        np.testing.assert_array_equal(im, half == UNLABELED)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "masks" / f"{stem(erased)}.tif"), pseudo)
    alone = tifffile.imread(tmp_path / "out" / "masks" / f"{stem(lonely)}.tif")
    np.testing.assert_array_equal(alone, np.maximum(half, 0))
    images = table(tmp_path / "out" / "images.csv")
    told = {
        name: (row["source"], int(row["unlabeled_pixels"]), row["objects"]) for name, row in images.items()
    }
    assert told[stem(begun)] == told[stem(done)] == ("label and pseudo-label", 0, "2")
    assert told[stem(lonely)] == ("label", 32 * 64, "1")
    assert told[stem(erased)] == ("pseudo-label", 0, "2")
    assert [row["state"] for row in images.values()][:4] == ["partial", "labeled", "labeled", "partial"]


def test_rejected_images_are_left_out_and_unknown_ones_are_listed(tmp_path: Path) -> None:
    with made_project(tmp_path, Task.SEMANTIC, ["cell"]) as project:
        rejected, unknown, *_ = project.catalog.images()
        blank = np.zeros((64, 64), np.int32)
        project.write_prediction("r001-g0", rejected.id, blank, blank > 0)
        project.write_label(rejected.id, blank, state="rejected")
        assert list(export(project, record_of(), tmp_path / "out"))[-1] == (5, 5)

    assert not (tmp_path / "out" / "masks" / f"{stem(rejected)}.tif").exists()
    images = table(tmp_path / "out" / "images.csv")
    assert stem(rejected) not in images
    assert images[stem(unknown)]["path"] == unknown.path
    assert (images[stem(unknown)]["source"], images[stem(unknown)]["unlabeled_pixels"]) == ("", "4096")


def images_of_one_name(folder: Path) -> Path:
    """Images called ``x`` in several folders and formats, one of them a stack; values are all different."""
    shapes = {
        "x.tif": (24, 32),
        "x.png": (24, 32),
        "A1/x.tif": (24, 32),
        "B2/x.tif": (3, 70, 40),
        "plate/A1/x.tif": (24, 32),
        "other.tif": (24, 32),
    }
    for number, (name, shape) in enumerate(shapes.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, shape, dtype=np.uint8)
        if path.suffix == ".png":
            Image.fromarray(pixels).save(path)
        else:
            tifffile.imwrite(path, pixels, photometric="minisblack")
    return folder


def contents(project: Project) -> dict[bytes, bytes]:
    """Masks by the pixels of their image."""
    return {
        project.read_image(one.id).tobytes(): label.tobytes()
        for one in project.labeled()
        if (label := project.read_label(one.id)) is not None
    }


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("old", [False, True])
def test_an_import_finds_every_mask_of_an_export(tmp_path: Path, every: int, old: bool) -> None:
    images = images_of_one_name(tmp_path / "images")
    wishes: dict[str, Any] = {"images": images, "task": Task.INSTANCES, "tile": 40}
    with (
        Project.create(tmp_path / "one", **wishes) as one,
        Project.create(tmp_path / "two", **wishes) as two,
        Project.create(tmp_path / "elsewhere" / "three", **wishes) as three,
    ):
        records = one.catalog.images()[::every]
        for number, record in enumerate(records, 1):
            label = np.zeros(record.shape[1:], np.int32)
            label[:number, : number + 1] = 1
            one.write_label(record.id, label)
        list(export(one, None, tmp_path / "out"))
        assert len(set(table(tmp_path / "out" / "images.csv"))) == one.catalog.count()
        if old:  # named by the ids of the first project
            shutil.rmtree(tmp_path / "out" / "masks")
            shutil.copytree(one.paths.labels, tmp_path / "out" / "masks")
        for project in (two,) if old else (two, three):
            assert project.import_labels(tmp_path / "out") == len(records)
            assert contents(project) == contents(one)
            assert project.warnings == []


def test_exported_masks_are_called_like_their_image(tmp_path: Path) -> None:
    images = images_of_one_name(tmp_path / "images")
    with Project.create(tmp_path / "p", images=images, task=Task.SEMANTIC) as project:
        for record in project.catalog.images():
            project.write_label(record.id, np.zeros(record.shape[1:], np.int32))
        list(export(project, None, tmp_path / "out"))
    masks = tmp_path / "out" / "masks"
    assert {path.relative_to(masks).as_posix() for path in masks.rglob("*.tif")} == {
        *("other.tif", "images/x.tif.tif", "x.png.tif", "images/A1/x.tif", "plate/A1/x.tif"),
        *(f"x-p{plane:04d}.tif" for plane in range(3)),
    }


def test_predicted_instances_join_those_of_a_label_in_part(tmp_path: Path) -> None:
    with made_project(tmp_path, Task.INSTANCES, ["cell"]) as project:
        begun = project.catalog.images()[0]
        label = np.full((64, 64), UNLABELED, np.int32)
        label[10:20, 10:20] = 7
        interior = np.zeros((64, 64), bool)
        interior[9:21, 9:21] = True  # the same object, a little larger
        interior[40:50, 40:50] = True  # one that nobody labeled
        maps = np.stack([~interior, interior, np.zeros_like(interior)]).astype(np.float32)
        project.write_label(begun.id, label, state="partial")
        project.write_prediction("r001-g0", begun.id, interior.astype(np.int32), interior, maps)
        list(export(project, record_of(), tmp_path / "out"))

    mask = tifffile.imread(tmp_path / "out" / "masks" / f"{stem(begun)}.tif")
    assert np.unique(mask).tolist() == [0, 7, 8]
    np.testing.assert_array_equal(mask == 7, label == 7)
    assert (mask[40:50, 40:50] == 8).all()
    rows = table(tmp_path / "out" / "measurements.csv", "id")
    assert {name: float(row["area"]) for name, row in rows.items()} == {"7": 100, "8": 100}


def test_objects_are_found_as_asked_and_the_export_says_how(tmp_path: Path) -> None:
    with made_project(tmp_path, Task.INSTANCES, ["cell"]) as project:
        image, rest = project.catalog.images()[0], np.zeros((64, 64), np.int32)
        interior = np.full((64, 64), 0.1, np.float32)
        interior[10:20, 10:30] = 0.55  # two cores in one object, by a high seed threshold
        interior[10:20, 10:18] = interior[10:20, 22:30] = 0.9
        interior[12:15, 12:15] = 0.05  # a hole
        interior[40:43, 40:43] = 0.9  # a small one
        maps = np.stack([1 - interior, interior, 0 * interior])
        project.write_prediction("r001-g0", image.id, rest, rest > 0, maps)
        found = {}
        for options in (
            None,
            WatershedOptions(0.5, 0.5),
            WatershedOptions(0.5, 0.8),
            WatershedOptions(0.5, 0.5, minimum_size=20),
            WatershedOptions(0.5, 0.5, fill_holes=True),
            WatershedOptions(0.3, 0.95, drop_seedless=False),
        ):
            list(export(project, record_of(), tmp_path / "out", options))
            mask = tifffile.imread(tmp_path / "out" / "masks" / f"{stem(image)}.tif")
            found[options] = (len(np.unique(mask)) - 1, int(np.count_nonzero(mask)))
            told = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
            assert told == {"generation": "r001-g0", **PIXELS, **asdict(options or record_of().watershed)}
    assert list(found.values()) == [(2, 200), (2, 200), (3, 200), (1, 191), (2, 209), (0, 0)]


def test_a_damaged_prediction_is_told_and_not_passed_over(tmp_path: Path) -> None:
    with made_project(tmp_path, Task.SEMANTIC, ["cell"]) as project:
        image = project.catalog.images()[0]
        blank = np.zeros((64, 64), np.int32)
        project.write_prediction("r001-g0", image.id, blank, blank > 0)
        project.paths.prediction("r001-g0", image.id).write_bytes(b"II*")
        with pytest.raises(ProjectError, match="train again"):
            list(export(project, record_of(), tmp_path / "out"))


def test_an_unknown_generation_is_named(trained: Project) -> None:
    with pytest.raises(ProjectError, match="r001-g0"):
        find_generation(trained, "r009-g3")


def test_nothing_trained_yet(project: Project) -> None:
    with pytest.raises(ProjectError, match="train a generation first"):
        find_generation(project)
