"""``rank``, ``predict`` and ``evaluate`` with a trained project."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.cli.segmenting import Source, check
from napari_imseg.core.problem import Task
from napari_imseg.project.errors import ProjectError
from tests.cli.conftest import Call, assert_refused
from tests.engine.test_large import model_of

NewProject = Callable[..., Path]


def test_rank_writes_the_queue_with_reasons(call: Call, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables" / "ranking.csv"
    result = call("rank", trained, "--by", "im-size", "--top", 3, "--out", out)
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["place"] for row in rows] == ["1", "2", "3"]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(row["reason"] and row["path"].endswith(".tif") for row in rows)


def test_rank_as_json_holds_all_unlabeled_images(call: Call, trained: Path) -> None:
    rows = json.loads(call("rank", trained, "--by", "random", "--json").stdout)
    assert len(rows) == 4


def test_an_unknown_ranking(call: Call, trained: Path) -> None:
    assert_refused(call("rank", trained, "--by", "magic"), 2, "unknown ranking 'magic'", "im-size")


def test_nothing_trained_yet(call: Call, new_project: NewProject, cells: Path, tmp_path: Path) -> None:
    project = new_project()
    assert_refused(call("rank", project, "--by", "im-size"), 1, "train")
    assert_refused(call("predict", project, cells / "images", "--out", tmp_path / "o"), 1, "train")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("ranking", "reason"), [("random", "at random"), ("in-order", "image 7 of")])
def test_an_order_that_needs_no_network_is_there_before_training(
    call: Call, new_project: NewProject, ranking: str, reason: str
) -> None:
    rows = json.loads(call("rank", new_project(), "--by", ranking, "--top", 2, "--json").stdout)
    assert [row["place"] for row in rows] == [1, 2]
    assert rows[0]["score"] > rows[1]["score"]
    assert reason in rows[0]["reason"]


def test_predict_writes_what_was_asked_for(call: Call, trained: Path, cells: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    image = sorted((cells / "images").iterdir())[0]
    result = call("predict", trained, image, "--out", out, "--save", "labels,im,probabilities,instances")
    assert result.exit_code == 0, result.output
    made = {path.name.removeprefix(f"{image.stem}_"): tifffile.imread(path) for path in out.iterdir()}
    assert set(made) == {"labels.tif", "im.tif", "probabilities.tif", "instances.tif"}
    assert made["labels.tif"].shape == made["im.tif"].shape == made["instances.tif"].shape == (64, 64)
    assert set(np.unique(made["labels.tif"])) <= {0, 1}
    np.testing.assert_allclose(made["probabilities.tif"].sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(made["instances.tif"] > 0, made["labels.tif"] > 0)


def test_predict_keeps_subfolders_and_planes_apart(call: Call, trained: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "a").mkdir(parents=True)
    (images / "b").mkdir()
    rng = np.random.default_rng(0)
    tifffile.imwrite(images / "a" / "x.tif", rng.integers(0, 255, (64, 64), np.uint8))
    tifffile.imwrite(
        images / "b" / "x.tif", rng.integers(0, 255, (2, 64, 64), np.uint8), metadata={"axes": "ZYX"}
    )
    result = call("predict", trained, images, "--out", tmp_path / "out", "--generation", "0")
    assert result.exit_code == 0, result.output
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tif")}
    assert made == {"a/x_labels.tif", "b/x-p0000_labels.tif", "b/x-p0001_labels.tif"}


def test_predict_writes_the_same_of_an_image_that_is_too_large_for_memory(
    call: Call, trained: Path, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, kinds = sorted((cells / "images").iterdir())[0], "labels,im,probabilities,instances"
    whole = call("predict", trained, image, "--out", tmp_path / "whole", "--save", kinds)
    monkeypatch.setattr("napari_imseg.cli.segmenting.LARGEST_AT_ONCE", 64 * 63)
    parts = call("predict", trained, image, "--out", tmp_path / "parts", "--save", kinds)
    assert (whole.exit_code, parts.exit_code) == (0, 0), parts.output
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == names
    for name in names:
        np.testing.assert_allclose(
            tifffile.imread(tmp_path / "parts" / name),
            tifffile.imread(tmp_path / "whole" / name),
            atol=1e-6,
        )


def test_options_of_objects_are_refused_where_there_are_none(
    call: Call, trained: Path, cells: Path, tmp_path: Path
) -> None:
    image = sorted((cells / "images").iterdir())[0]
    for option in (["--fill-holes"], ["--foreground-threshold", 0.5], ["--seed-threshold", 0]):
        refused = call("predict", trained, image, "--out", tmp_path / "o", *option)
        assert_refused(refused, 2, "clean up objects, and this project is semantic; leave them out")
    folders = ("--images", cells / "images", "--labels", cells / "labels")
    refused = call("evaluate", trained, *folders, "--minimum-size", 5)
    assert_refused(refused, 2, "clean up objects, and this project is semantic; leave them out")


def test_predict_refuses_two_images_of_one_name(call: Call, trained: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "x.tif", np.zeros((64, 64), np.uint8))
    result = call(
        "predict", trained, tmp_path / "a" / "x.tif", tmp_path / "b" / "x.tif", "--out", tmp_path / "o"
    )
    assert_refused(result, 1, "2 images would be written to 'x'")


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["--save", "masks"], 2, "labels, im, probabilities, instances"),
        (["--generation", "7"], 1, "there is no generation '7'"),
    ],
)
def test_predict_refuses(
    call: Call, trained: Path, cells: Path, tmp_path: Path, options: list[str], code: int, part: str
) -> None:
    result = call("predict", trained, cells / "images", "--out", tmp_path / "o", *options)
    assert_refused(result, code, part)


def test_predict_reads_rgb_without_colours_as_grey(
    call: Call, trained: Path, cells: Path, tmp_path: Path
) -> None:
    image = sorted((cells / "images").iterdir())[0]
    tifffile.imwrite(tmp_path / "rgb.tif", np.stack([tifffile.imread(image)] * 3, -1), photometric="rgb")
    done = call("predict", trained, image, tmp_path / "rgb.tif", "--out", tmp_path / "o")
    assert done.exit_code == 0, done.stderr
    labels = [tifffile.imread(tmp_path / "o" / f"{name}_labels.tif") for name in (image.stem, "rgb")]
    assert np.array_equal(*labels)


def test_predict_refuses_other_channels_before_the_first_image(
    call: Call, trained: Path, cells: Path, tmp_path: Path
) -> None:
    image = sorted((cells / "images").iterdir())[0]
    colours = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    result = call("predict", trained, image, tmp_path / "rgb.tif", "--out", tmp_path / "o")
    assert_refused(result, 1, "has 3 channels", "have 1")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("task", "change", "kind", "side", "depth", "part"),
    [
        (Task.INSTANCES, {"fill_holes": True}, "labels", 4000, 0, "too large for --fill-holes"),
        (Task.INSTANCES, {"drop_seedless": False}, "im", 4000, 0, "and --keep-seedless"),
        (Task.SEMANTIC, {}, "labels", 64, 5, "and this one is semantic; leave --volume out"),
        (Task.MULTILABEL, {}, "instances", 64, 0, "cannot share one image"),
    ],
)
def test_what_cannot_be_made_of_any_image_is_refused_before_the_first(
    task: Task, change: dict[str, bool], kind: str, side: int, depth: int, part: str
) -> None:
    small, model = Source(Path("a.tif"), None, (1, 64, 64), Path("a")), model_of(task)
    last = Source(Path("b.tif"), None, (1, side, side), Path("b"), depth)
    check(model, [small], ("probabilities",))
    with pytest.raises(ProjectError, match=part):
        check(replace(model, watershed=replace(model.watershed, **change)), [small, last], (kind,))


def test_evaluate_warns_of_images_that_networks_know_and_of_no_others(
    call: Call, trained: Path, cells: Path, tmp_path: Path
) -> None:
    names = sorted(path.name for path in (cells / "images").iterdir())
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for known in (0, 1):
        for number, name in enumerate(names[:3]):
            image = tifffile.imread(cells / "images" / name)
            tifffile.imwrite(tmp_path / "images" / f"other {name}", image if number < known else image[::-1])
            shutil.copy(cells / "labels" / name, tmp_path / "labels" / f"other {name}")
        if known:
            shutil.copy(cells / "images" / names[0], tmp_path / "images" / f"other {names[0]}")
        done = call("evaluate", trained, "--images", tmp_path / "images", "--labels", tmp_path / "labels")
        assert done.exit_code == 0, done.output
        assert ("1 of 3 images are labeled in the project" in done.stderr) == bool(known)
        assert ("labeled in the project" in done.stderr) == bool(known)


def test_evaluate_writes_overall_and_images(call: Call, trained: Path, cells: Path, tmp_path: Path) -> None:
    """The labels hold instance ids; for one semantic class every id is foreground."""
    file = tmp_path / "metrics.json"
    result = call(
        "evaluate", trained, "--images", cells / "images", "--labels", cells / "labels", "--json", file
    )
    assert result.exit_code == 0, result.output
    found = json.loads(file.read_text(encoding="utf-8"))
    assert set(found) == {"overall", "images"}
    assert len(found["images"]) == 10
    assert {"iou", "dice"} <= set(found["overall"])
    mean = np.mean([metrics["dice"] for metrics in found["images"].values()])
    assert found["overall"]["dice"] == pytest.approx(mean)
    lines = [line.split("│")[1:-1] for line in result.stdout.splitlines() if "│" in line]
    table = {cells[0].strip(): cells[1].strip() for cells in lines}
    assert table["dice"] == f"{mean:.3f}", "all metrics of all images"
    for name, metrics in found["images"].items():
        assert table[name] == f"{metrics['iou']:.3f}", "one short line for each image"


def test_evaluate_refuses_a_missing_folder(call: Call, trained: Path, cells: Path, tmp_path: Path) -> None:
    result = call("evaluate", trained, "--images", cells / "images", "--labels", tmp_path / "nowhere")
    assert_refused(result, 1, "nowhere", "is not a folder")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("zero.tif", b"", "is empty (0 bytes); copy it again"),
        ("text.tif", b"no image", "is not a TIFF that can be read"),
        ("y" * 251 + ".tif", None, "rename the image"),
    ],
)
def test_predict_refuses_a_bad_image_before_any_work(
    call: Call, trained: Path, cells: Path, tmp_path: Path, name: str, content: bytes | None, part: str
) -> None:
    whole = sorted((cells / "images").iterdir())[0].read_bytes()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.tif").write_bytes(whole)
    (tmp_path / "images" / name).write_bytes(whole if content is None else content)
    assert_refused(call("predict", trained, tmp_path / "images", "--out", tmp_path / "o"), 1, part)
    assert not (tmp_path / "o").exists()


def test_predict_into_a_file_is_refused(call: Call, trained: Path, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = call("predict", trained, cells / "images", "--out", tmp_path / "file")
    assert_refused(result, 1, "could not be written")
    assert (tmp_path / "file").read_text() == "mine"


def test_predict_survives_pixels_that_are_not_finite_and_any_size(
    call: Call, trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    strange = {
        "nan": np.full((20, 20), np.nan, np.float32),
        "inf": np.full((20, 20), np.inf, np.float32),
        "constant": np.full((20, 20), 7, np.uint16),
        "one": np.ones((1, 1), np.uint8),
        "small": np.arange(15, dtype=np.int32).reshape(3, 5),
        "bool": np.eye(20, dtype=bool),
    }
    for name, pixels in strange.items():
        tifffile.imwrite(folder / f"{name}.tif", pixels)
    result = call("predict", trained, folder, "--out", tmp_path / "o", "--save", "labels,probabilities")
    assert result.exit_code == 0, result.output
    told = [line for line in result.stderr.splitlines() if line.startswith("warning")]
    assert told == ["warning: pixels that are NaN or infinite count as black; there are some in inf, nan"]
    for name, pixels in strange.items():
        assert tifffile.imread(tmp_path / "o" / f"{name}_labels.tif").shape == pixels.shape
        assert np.isfinite(tifffile.imread(tmp_path / "o" / f"{name}_probabilities.tif")).all()


@pytest.mark.parametrize(("name", "part"), [("checkpoints", "train again"), ("generation.json", "delete it")])
def test_a_damaged_or_hostile_model_is_told(
    call: Call, trained: Path, cells: Path, tmp_path: Path, name: str, part: str
) -> None:
    project = tmp_path / "copy" / "project"
    shutil.copytree(trained, project)
    hostile = b"cos\nsystem\n(S'touch executed'\ntR."
    paths = [path for path in project.rglob("*") if path.suffix == ".safetensors"]
    for path in paths if name == "checkpoints" else project.rglob(name):
        path.write_bytes(hostile)
    assert_refused(call("predict", project, cells / "images", "--out", tmp_path / "o"), 1, part)
    assert not (tmp_path / "o").exists()
