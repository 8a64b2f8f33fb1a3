"""A folder of one's own: what its labels mean, and what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Task
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.reproduce.dataset import read_folder
from napari_imseg.reproduce.figures_file import figures_path
from napari_imseg.reproduce.starting import begin
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.synthetic.dataset import write_dataset
from tests.reproduce.conftest import IM


def folder(root: Path, highest: int, images: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    for number in range(images):
        label = rng.integers(0, highest + 1, (32, 32)).astype(np.uint16)
        tifffile.imwrite(root / "images" / f"{number}.tif", rng.integers(0, 255, (32, 32)).astype(np.uint8))
        tifffile.imwrite(root / "labels" / f"{number}.tif", label)
    return root


def start(out: Path, data: Path | None, scale: str = "smoke", labeled: float = 2, seed: int = 0) -> Study:
    return begin(out, data, IM, Terms("inconsistency-masks", scale, labeled, seed))


def test_few_values_are_classes_and_many_are_instances(tmp_path: Path) -> None:
    few = read_folder(folder(tmp_path / "few", 3))
    assert (few.classes, few.metrics[0]) == (("class-1", "class-2", "class-3"), "miou")
    many = read_folder(folder(tmp_path / "many", 30))
    assert (many.classes, many.metrics[0]) == (("object",), "iou")
    assert set(np.unique(many.sources[0].read()[1]).tolist()) == {0, 1}
    named = read_folder(tmp_path / "few", ["cell"])
    assert named.classes == ("cell",)
    assert set(np.unique(named.sources[0].read()[1]).tolist()) == {0, 1}


def test_projects_share_images_labels_and_sides(study: Study) -> None:
    sets = study.info.splits
    with Project.open(study.project("limited")) as limited, Project.open(study.project("full")) as full:
        for split, names in (("train", sets.labeled), ("validation", sets.validation)):
            assert {Path(one.path).stem for one in limited.labeled(split)} == set(names)  # type: ignore[arg-type]
        assert {Path(one.path).stem for one in limited.unlabeled()} == set(sets.unlabeled)
        assert {Path(one.path).stem for one in full.labeled("train")} == {*sets.labeled, *sets.unlabeled}
        assert {Path(one.path).stem for one in full.labeled("validation")} == set(sets.validation)
    with Project.open(study.project("alone")) as alone, Project.open(study.test) as test:
        assert not alone.unlabeled()
        assert {Path(one.path).stem for one in test.labeled()} == set(sets.test)
        assert alone.info.intensity == test.info.intensity == "range"  # 8-bit colour


def test_copies_of_an_image_stay_on_one_side(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 3)
    for number in range(1, 6):
        (data / "images" / f"{number}.tif").write_bytes((data / "images" / "0.tif").read_bytes())
    sets = start(tmp_path / "out", data).info.splits
    copies = {str(number) for number in range(6)}
    sides = [set(names) & copies for names in (sets.labeled + sets.unlabeled, sets.validation, sets.test)]
    assert sorted(len(side) for side in sides) == [0, 0, 6]


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda data: (data / "labels" / "3.tif").unlink(), "has no label of the same name"),
        (lambda data: tifffile.imwrite(data / "labels" / "3.tif", np.ones((8, 8), np.uint8)), "32 x 32"),
        (lambda data: tifffile.imwrite(data / "images" / "3.tif", np.ones((5, 32, 32), np.uint8)), "several"),
        (lambda data: [path.unlink() for path in (data / "labels").iterdir()], "holds no label files"),
        (lambda data: (data / "labels").rename(data / "masks"), "laid out like no known data set"),
    ],
)
def test_data_that_does_not_do_leaves_nothing_behind(tmp_path: Path, spoil: object, part: str) -> None:
    data = folder(tmp_path / "data", 3)
    spoil(data)  # type: ignore[operator]
    with pytest.raises(ProjectError, match=part):
        start(tmp_path / "out", data)
    assert not list((tmp_path / "out").iterdir())


def masks(root: Path, count: int, side: int = 96) -> Path:
    """Living and dead cells with a circle on each: three masks a label."""
    write_dataset("brightfield-alive-dead", root, count, seed=2, shape=(side, side))
    return root


def test_labels_of_masks_are_multilabel_and_cells_are_counted(tmp_path: Path) -> None:
    data = masks(tmp_path / "data", 4)
    counted = read_folder(data, ["alive", "dead", "position"])
    assert counted.task is Task.MULTILABEL
    assert (counted.classes, counted.metrics) == (("alive", "dead", "position"), ("miou_ad", "mcce"))
    image, label = counted.sources[0].read()
    assert (image.shape[1:], label.shape) == ((96, 96), (3, 96, 96))
    assert set(np.unique(label).tolist()) == {0, 1}
    named = read_folder(data, ["living", "not", "mark"])
    assert (named.task, named.metrics) == (Task.MULTILABEL, ("miou", "dice"))
    assert read_folder(data).classes == ("mask-1", "mask-2", "mask-3")


def test_masks_that_do_not_fit_are_told(tmp_path: Path) -> None:
    data = masks(tmp_path / "data", 4)
    with pytest.raises(ProjectError, match=r"to hold 2 masks \(alive, dead\), got 3; name every mask"):
        read_folder(data, ["alive", "dead"])
    for path in (data / "labels").iterdir():
        label = tifffile.imread(path)
        label[1] = 0
        tifffile.imwrite(path, label, photometric="minisblack")
    with pytest.raises(ProjectError, match="the mask 'dead' is empty in all labels"):
        read_folder(data, ["alive", "dead", "position"])
    tifffile.imwrite(path, label[:2], photometric="minisblack")
    with pytest.raises(ProjectError, match=r"to hold 3 masks .* got 2"):
        read_folder(data, ["alive", "dead", "position"])


def test_a_comparison_can_be_made_on_masks(tmp_path: Path) -> None:
    data = masks(tmp_path / "data", 14)
    terms = Terms("inconsistency-masks", "smoke", 4, 0)
    study = begin(tmp_path / "out", data, IM, terms, ["alive", "dead", "position"])
    assert study.info.task is Task.MULTILABEL
    assert len(study.info.shares) == 3
    with Project.open(study.project("limited")) as limited:
        assert len(limited.labeled("train")) == 4
        assert [one.name for one in limited.info.classes] == ["alive", "dead", "position"]


def test_images_of_a_group_stay_on_one_side(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 3, images=40)
    terms = Terms("inconsistency-masks", "smoke", 2, 0, group_by=r"^\d")
    sets = begin(tmp_path / "out", data, IM, terms).info.splits
    sides = (sets.labeled, sets.unlabeled, sets.validation, sets.test)
    wells = [{name[0] for name in side} for side in sides]
    assert sum(map(len, wells)) == len(set().union(*wells)) == 10
    with pytest.raises(ProjectError, match=r"--group-by .*, not none"):
        start(tmp_path / "out", data)
    with pytest.raises(ProjectError, match="is not a regular expression"):
        read_folder(data, (), "(")


def test_classes_that_do_not_fit_the_labels_are_told(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 3)
    with pytest.raises(ProjectError, match="value 4 is in no label"):
        read_folder(data, ["a", "b", "c", "d"])
    with pytest.raises(ProjectError, match="a label holds the value 3"):
        read_folder(data, ["a", "b"])


def test_a_class_that_was_not_drawn_among_the_labels_is_told(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", 2)
    for number in range(12):
        path = data / "labels" / f"{number}.tif"
        tifffile.imwrite(path, np.minimum(tifffile.imread(path), 2 if number == 0 else 1))
    in_labeled = [seed for seed in range(8) if _drawn_with(tmp_path / f"out{seed}", data, seed)]
    assert 0 < len(in_labeled) < 8


def _drawn_with(out: Path, data: Path, seed: int) -> bool:
    """True if the image with the rare class was drawn among the labeled ones."""
    try:
        return "0" in start(out, data, seed=seed).info.splits.labeled
    except ProjectError as error:
        if "class 'class-2' is in none of the labeled images" not in str(error):
            raise
        return False


def test_another_comparison_in_the_folder_is_refused(study: Study, drawn: Path) -> None:
    assert start(study.out, None, labeled=4, seed=1) == study
    for change, part in (
        ({"scale": "laptop"}, "--scale smoke, not laptop"),
        ({"labeled": 5.0}, "--labeled 4.0, not 5.0"),
        ({"seed": 2}, "--seed 1, not 2"),
    ):
        with pytest.raises(ProjectError, match=part):
            start(study.out, drawn, **({"labeled": 4, "seed": 1} | change))  # type: ignore[arg-type]


def test_a_comparison_of_an_earlier_version_goes_on(study: Study) -> None:
    path = study.out / "study" / "study.json"
    stored = json.loads(path.read_text())
    del stored["weights"]
    path.write_text(json.dumps(stored))
    assert start(study.out, None, labeled=4, seed=1) == study
    assert study.project("limited") == study.out / "study" / "projects" / "limited"
    assert figures_path(study.out, "IM", 0) == study.out / "figures" / "1-IM.json"


def test_settings_that_another_version_has_changed_do_not_mix(study: Study) -> None:
    path = study.out / "study" / "study.json"
    stored = json.loads(path.read_text())

    def start_with(settings: object) -> Study:
        path.write_text(json.dumps(stored | {"settings": settings}))
        return start(study.out, None, labeled=4, seed=1)

    begun = stored["settings"]
    fewer = {name: own for name, own in begun.items() if name != "IM"}
    assert start_with(fewer).info.settings == fewer  # a row that the other version did not have
    for changed in (
        fewer | {"IM": begun["IM"] | {"epochs": 7}},
        fewer | {"IM": {name: value for name, value in begun["IM"].items() if name != "epochs"}},
    ):
        with pytest.raises(ProjectError, match=r"other settings \(IM, epochs\); give --out a new folder"):
            start_with(changed)
    with pytest.raises(ProjectError, match="give --out a new folder"):
        start_with({})  # nobody knows


def test_a_folder_that_is_used_otherwise_is_left_alone(tmp_path: Path, drawn: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ProjectError, match="not empty"):
        start(tmp_path, drawn)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(ProjectError, match="is a file"):
        start(tmp_path / "notes.txt", drawn)
    with pytest.raises(ProjectError, match="needs images"):
        start(tmp_path / "new", None, scale="laptop")
    with pytest.raises(ProjectError, match="is not a folder"):
        start(tmp_path / "new", tmp_path / "nowhere")


def test_what_a_killed_preparation_left_is_removed(tmp_path: Path, drawn: Path) -> None:
    (tmp_path / "out" / ".preparing-1" / "data").mkdir(parents=True)
    start(tmp_path / "out", drawn, labeled=4)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["study"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(ProjectError, match="no space left on device"):
        start(tmp_path / "out", drawn, labeled=4)
    assert not list((tmp_path / "out").iterdir())
