"""Labels that other programs made."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_imseg.core.problem import UNLABELED
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

from .conftest import SHAPE, square

Make = Callable[..., Project]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for labels."""
    (tmp_path / "labels").mkdir()
    return tmp_path / "labels"


def label_of(project: Project, number: int) -> np.ndarray[Any, Any]:
    label = project.read_label(project.catalog.images()[number - 1].id)
    assert label is not None
    return label


def test_labels_come_with_a_project(make: Make, labels: Path) -> None:
    project = make(labels=labels)
    assert project.warnings == []
    assert [record.state for record in project.catalog.images()] == ["labeled"] * 5 + ["unlabeled"]
    assert [len(project.labeled(split)) for split in ("train", "validation")] == [4, 1]
    for number in range(1, 6):
        assert np.array_equal(label_of(project, number), square(number))
    assert [path.name for path in project.paths.labels.iterdir() if path.suffix != ".tif"] == []


def test_imported_labels_can_all_be_put_on_one_side(make: Make, labels: Path, tmp_path: Path) -> None:
    first, *rest = sorted(labels.iterdir())
    folder = tmp_path / "validation"
    folder.mkdir()
    shutil.move(first, folder / first.name)
    project = make()
    assert project.import_labels(labels, split="train") == len(rest)
    assert [len(project.labeled(split)) for split in ("train", "validation")] == [len(rest), 0]
    assert project.import_labels(folder, split="validation") == 1
    assert [len(project.labeled(split)) for split in ("train", "validation")] == [len(rest), 1]


def test_the_split_does_not_depend_on_where_the_project_lies(make: Make, labels: Path) -> None:
    def names(project: Project) -> list[str]:
        return [Path(record.path).name for record in project.labeled("validation")]

    assert names(make("a", labels=labels)) == names(make("b/c/d", labels=labels))
    assert len({tuple(names(make(f"seed {seed}", labels=labels, seed=seed))) for seed in range(6)}) > 1


@pytest.mark.parametrize(
    "name",
    [
        "cell_1.tif",
        "cell_1.png",
        "cell_1.bmp",
        "sub/cell_1.TIF",
        "cell_1_mask.png",
        "cell_1_cp_masks.tif",
        "cell_1_label.tiff",
    ],
)
def test_labels_are_found_by_the_name_of_their_image(make: Make, folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix in (".png", ".bmp"):
        Image.fromarray(square().astype(np.uint8)).save(path)
    else:
        tifffile.imwrite(path, square().astype(np.uint16))
    project = make(labels=folder)
    assert len(project.labeled()) == 1
    assert np.array_equal(label_of(project, 1), square())


def test_the_folder_decides_between_labels_of_one_name(make: Make, images: Path, folder: Path) -> None:
    for number, well in enumerate(("A1", "B2"), start=2):
        (images / well).mkdir()
        (folder / well).mkdir()
        shutil.move(images / f"cell_{number}.tif", images / well / "x.tif")
        tifffile.imwrite(folder / well / "x.tif", square(number))
    project = make(labels=folder)
    sides = {Path(record.path).parent.name: record.id for record in project.labeled()}
    assert {well: int(project.read_label(name).sum()) for well, name in sides.items()} == {"A1": 4, "B2": 9}  # type: ignore[union-attr]
    shutil.copytree(folder / "A1", folder / "C3" / "A1")
    with pytest.raises(ProjectError, match="expected one label file for the image"):
        make("other", labels=folder)


@pytest.mark.parametrize(
    ("stored", "wishes", "expected"),
    [
        (square(value=255).astype(np.uint8), {}, square()),
        (square() > 0, {}, square()),
        (square().astype(np.float32), {}, square()),
        (np.where(square() > 0, -1, 0).astype(np.int16), {}, -square()),
        (square(value=2), {"classes": ["a", "b"]}, square(value=2)),
        (square(value=70_000).astype(np.uint32), {"task": "instances"}, square()),
        (
            np.where(square(9) > 0, square() + 6, 0),
            {"task": "instances"},
            np.where(square(9) > 0, square() + 1, 0),
        ),
    ],
)
def test_values_are_read_as_the_task_wants(
    make: Make, folder: Path, stored: Any, wishes: dict[str, Any], expected: Any
) -> None:
    tifffile.imwrite(folder / "cell_1.tif", stored)
    project = make(labels=folder, **wishes)
    assert np.array_equal(label_of(project, 1), expected)
    assert project.warnings == []
    assert project.catalog.images()[0].state == ("partial" if (expected == UNLABELED).any() else "labeled")


def test_instance_ids_become_the_one_class_and_that_is_said(make: Make, folder: Path) -> None:
    for number in (1, 2):
        tifffile.imwrite(folder / f"cell_{number}.tif", square(value=7 * number))
    project = make(labels=folder)
    assert np.array_equal(label_of(project, 2), square())
    assert project.warnings == [
        "instance ids were read as the class 'foreground' (the task instances keeps objects apart): "
        "cell_1.tif, cell_2.tif"
    ]


def test_masks_become_instances_by_their_parts_and_that_is_said(make: Make, folder: Path) -> None:
    mask = square(4, 255).astype(np.uint8)
    mask[15:20, 15:20] = 255
    tifffile.imwrite(folder / "cell_1.tif", mask)
    tifffile.imwrite(folder / "cell_2.tif", square())
    project = make(labels=folder, task="instances")
    assert np.unique(label_of(project, 1)).tolist() == [0, 1, 2]
    assert len(np.unique(label_of(project, 1)[15:20, 15:20])) == 1
    words = "masks without instance ids were read as one instance for each connected part"
    assert project.warnings == [f"{words}: cell_1.tif"]


def test_an_id_of_several_parts_becomes_several_instances_and_that_is_said(make: Make, folder: Path) -> None:
    ids = square(4, 7)
    ids[15:20, 15:20] = 7
    ids[20, 20] = 7  # touches with a corner
    ids[2, 15] = 7  # a crumb
    ids[0, 0] = 9
    tifffile.imwrite(folder / "cell_1.tif", ids.astype(np.uint16))
    tifffile.imwrite(folder / "cell_2.tif", square(4, 7).astype(np.uint16))
    project = make(labels=folder, task="instances")
    found = label_of(project, 1)
    assert np.unique(found).tolist() == [0, 1, 2, 3]
    assert len(np.unique(found[15:21, 15:21][ids[15:21, 15:21] > 0])) == 1
    assert found[2, 15] == found[20, 20]  # the larger one
    words = "ids whose pixels do not hang together were read as one instance for each part"
    assert project.warnings == [f"{words}: cell_1.tif"]


def test_an_id_with_crumbs_stays_one_instance(make: Make, folder: Path) -> None:
    ids = square(8, 7)
    ids[0, 0] = ids[0, 2] = 7
    ids[15:20, 20:25] = 9
    tifffile.imwrite(folder / "cell_1.tif", ids.astype(np.uint16))
    tifffile.imwrite(folder / "cell_2.tif", square(4, 7).astype(np.uint16))
    project = make(labels=folder, task="instances")
    assert np.array_equal(label_of(project, 1), np.searchsorted([0, 7, 9], ids))
    assert project.warnings == []


def test_masks_of_several_classes_are_pages(make: Make, folder: Path) -> None:
    stored = np.stack([square(3, 255), square(5, 255)]).astype(np.uint8)
    tifffile.imwrite(folder / "cell_1.tif", stored, photometric="minisblack")
    project = make(labels=folder, task="multilabel", classes=["a", "b"])
    assert np.array_equal(label_of(project, 1), stored // 255)
    tifffile.imwrite(folder / "cell_1.tif", stored[0])
    one = make("one", labels=folder, task="multilabel")
    assert np.array_equal(label_of(one, 1), stored[:1] // 255)


def test_grey_colour_pictures_palettes_and_alpha_are_understood(make: Make, folder: Path) -> None:
    grey = square(value=255).astype(np.uint8)
    Image.fromarray(np.stack([grey] * 3, -1)).save(folder / "cell_1.png")
    Image.fromarray(np.stack([grey, grey, grey, 255 - grey], -1)).save(folder / "cell_2.png")
    palette = Image.fromarray(square().astype(np.uint8), mode=None).convert("P")
    palette.putdata(square().ravel().tolist())
    palette.putpalette([0, 0, 0, 200, 10, 30])
    palette.save(folder / "cell_3.png")
    Image.fromarray(square() > 0).save(folder / "cell_4.png")
    tifffile.imwrite(folder / "cell_5.tif", np.stack([grey] * 3, -1), photometric="rgb")
    project = make(labels=folder)
    for number in range(1, 6):
        assert np.array_equal(label_of(project, number), square()), number


def test_labels_of_a_stack_are_planes_and_tiles_of_it(make: Make, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "stacks").mkdir()
    tifffile.imwrite(tmp_path / "stacks" / "a.tif", np.zeros((3, 70, 40), np.uint8), photometric="minisblack")
    ids = np.random.default_rng(0).integers(0, 2, (3, 70, 40), dtype=np.uint8)
    tifffile.imwrite(folder / "a.tif", ids, photometric="minisblack", compression="zlib")
    project = make(images=tmp_path / "stacks", labels=folder, tile=32)
    assert len(project.labeled()) == 18
    for record in project.catalog.images():
        assert record.tile is not None
        y, x, height, width = record.tile
        label = project.read_label(record.id)
        assert np.array_equal(label, ids[record.plane, y : y + height, x : x + width])
    assert {record.split for record in project.labeled()} == {"train"}  # one file is one group


def test_labels_of_our_own_keep_their_unlabeled_pixels(make: Make, folder: Path) -> None:
    first = make("first")
    label = square()
    label[:2] = UNLABELED
    first.write_label(first.catalog.images()[0].id, label)
    shutil.copy(first.label_path(first.catalog.images()[0].id), folder / "cell_1.tif")
    second = make("second", labels=folder)
    assert np.array_equal(label_of(second, 1), label)
    assert second.catalog.images()[0].state == "partial"


def test_the_unlabeled_value_of_our_own_files_is_said_in_the_file(folder: Path, make: Make) -> None:
    stored = square().astype(np.uint8)
    stored[0] = 99
    facts = json.dumps({"napari-imseg": 1, "unlabeled": 99})
    tifffile.imwrite(folder / "cell_1.tif", stored, description=facts, metadata=None)
    assert (label_of(make(labels=folder), 1)[0] == UNLABELED).all()


def test_later_imports_add_and_never_overwrite(make: Make, labels: Path) -> None:
    project = make()
    mine = project.catalog.images()[1].id
    project.write_label(mine, square(2))
    assert project.import_labels(labels) == 4
    assert project.warnings == [f"these images have a label already and kept it: {mine}"]
    assert np.array_equal(label_of(project, 2), square(2))
    assert project.import_labels(str(labels)) == 0


def test_label_files_without_an_image_are_named(make: Make, labels: Path) -> None:
    for number in range(5):
        shutil.copy(labels / "cell_1.tif", labels / f"other_{number}.tif")
    names = "other_0.tif, other_1.tif, other_2.tif and 2 more"
    assert make(labels=labels).warnings == [
        f"no image that can be read has the name of these label files: {names}; left out"
    ]


WRONG: dict[str, tuple[Any, str]] = {
    "size": (
        np.zeros((24, 31), np.uint8),
        r"expected 24 x 32 \(height x width\) like its image, got 24 x 31",
    ),
    "stack": (np.zeros((4, 24, 32), np.uint8), "like its image, got 4 x 24 x 32"),
    "class": (square(value=9), "expected the class ids 0 background, 1 a, 2 b, got 9"),
    "ignore": (square(value=255).astype(np.uint8), "got 255"),
    "negative": (square(value=-7), "got -7"),
    "fractions": (square() * np.float32(0.5), "got fractions"),
    "nan": (np.where(square() > 0, np.nan, 0).astype(np.float32), "got NaN"),
    "colour": (np.random.default_rng(0).integers(0, 9, (*SHAPE, 3), np.uint8), "is a colour picture"),
    "text": (None, "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_label_that_does_not_fit_leaves_everything_as_it_was(
    make: Make, labels: Path, name: str, tmp_path: Path
) -> None:
    stored, words = WRONG[name]
    project = make(classes=["a", "b"])
    before = project.catalog.images()
    bad = labels / "cell_5.tif"
    if stored is None:
        bad.write_text("no label")
    else:
        options = {"photometric": "rgb"} if name == "colour" else {"photometric": "minisblack"}
        tifffile.imwrite(bad, stored, **options)
    with pytest.raises(ProjectError, match=words) as caught:
        project.import_labels(labels)
    assert str(bad) in str(caught.value)
    assert project.catalog.images() == before
    assert list(project.paths.labels.iterdir()) == []
    with pytest.raises(ProjectError, match=words):
        make("new", labels=labels, classes=["a", "b"])
    assert not (tmp_path / "new").exists()


def test_labels_of_other_images_are_refused(make: Make, folder: Path) -> None:
    tifffile.imwrite(folder / "elsewhere.tif", square())
    with pytest.raises(ProjectError, match=r"no label file in .* has the name of an image of this project"):
        make(labels=folder)


def test_a_label_that_claims_to_be_huge_is_not_decoded(make: Make, folder: Path) -> None:
    with tifffile.TiffWriter(folder / "cell_1.tif") as tiff:
        tiles = (b"" for _ in range(98 * 98))
        tiff.write(tiles, shape=(100_000, 100_000), dtype=np.uint8, tile=(1024, 1024), compression="zlib")
    with pytest.raises(ProjectError, match="expected the size of its image, got 100000 x 100000"):
        make(labels=folder)


def test_masks_that_another_project_called_by_its_ids_are_found_where_one_image_can_be_meant(
    make: Make, images: Path, folder: Path
) -> None:
    shutil.copy(images / "cell_1.tif", images / "Cell 1.tif")  # whose id says the same
    theirs = make("somewhere/else")
    for record in theirs.catalog.images():
        tifffile.imwrite(folder / f"{record.id}.tif", square())
    project = make()
    assert {record.id for record in project.catalog.images()}.isdisjoint(
        record.id for record in theirs.catalog.images()
    )
    assert project.import_labels(folder) == 5
    found = {Path(record.path).name for record in project.labeled()}
    assert found == {f"cell_{number}.tif" for number in range(2, 7)}


@pytest.mark.parametrize("ending", ["", "_labels", "_instances"])
def test_single_planes_of_a_stack_have_labels_of_their_own(
    make: Make, tmp_path: Path, folder: Path, ending: str
) -> None:
    (tmp_path / "stacks").mkdir()
    tifffile.imwrite(tmp_path / "stacks" / "a.tif", np.zeros((3, *SHAPE), np.uint8), photometric="minisblack")
    tifffile.imwrite(folder / f"a-p0001{ending}.tif", square(3))
    project = make(images=tmp_path / "stacks", labels=folder)
    assert [record.plane for record in project.labeled()] == [1]
    assert np.array_equal(label_of(project, 2), square(3))
    tifffile.imwrite(folder / "a.tif", np.stack([square(5)] * 3), photometric="minisblack")
    project = make("both", images=tmp_path / "stacks", labels=folder)
    assert [int(label_of(project, number).sum()) for number in (1, 2, 3)] == [25, 9, 25]
