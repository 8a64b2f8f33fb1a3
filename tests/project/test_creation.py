"""Making, opening and refusing projects."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import Problem, Task
from napari_imseg.project import adding
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project

from .conftest import SHAPE, square

Make = Callable[..., Project]


def test_a_project_is_a_folder_that_can_be_opened_again(make: Make, tmp_path: Path) -> None:
    project = make(classes=["nucleus", "cell"], name="My cells")
    assert project.folder == tmp_path / "project"
    assert project.warnings == []
    assert project.problem == Problem(Task.SEMANTIC, 1, 3)
    info = project.info
    project.close()
    with Project.open(tmp_path / "project") as again:
        assert again.info == info
        assert (again.info.name, again.info.intensity) == ("My cells", "percentile")
        assert [item.name for item in again.info.classes] == ["nucleus", "cell"]
        assert [record.path for record in again.catalog.images()] == [
            f"../images/cell_{n}.tif" for n in range(1, 7)
        ]
    assert sorted(path.name for path in project.folder.iterdir()) == [
        "catalog.sqlite",
        "labels",
        "project.toml",
    ]


def test_a_project_and_its_images_can_be_moved_together(make: Make, tmp_path: Path) -> None:
    project = make()
    image = project.catalog.images()[0].id
    pixels = project.read_image(image)
    project.close()
    (tmp_path / "elsewhere").mkdir()
    for part in ("project", "images"):
        shutil.move(tmp_path / part, tmp_path / "elsewhere" / part)
    with Project.open(tmp_path / "elsewhere" / "project") as moved:
        assert np.array_equal(moved.read_image(image), pixels)


@pytest.mark.parametrize(
    ("task", "classes", "expected"),
    [
        ("semantic", ["a"], 2),
        ("semantic", ["a", "b"], 3),
        ("multilabel", ["a", "b"], 2),
        ("instances", ["a"], 3),
    ],
)
def test_the_problem_follows_from_task_and_classes(
    make: Make, task: str, classes: list[str], expected: int
) -> None:
    names = tuple(classes) if task == "multilabel" else ()
    assert make(task=task, classes=classes).problem == Problem(Task(task), 1, expected, names)


def test_images_of_every_kind_can_be_mixed(make: Make, images: Path) -> None:
    nested = images / "sub" / "deeper"
    nested.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(nested / "b.png")
    tifffile.imwrite(nested / "stack.tif", np.zeros((5, 8, 9), np.float32), photometric="minisblack")
    (images / "notes.txt").write_text("no image, and nobody needs to hear of it")
    (images / ".hidden.tif").write_text("")
    (images / ".cache").mkdir()
    (images / ".cache" / "c.tif").write_text("")
    project = make()
    assert project.warnings == []
    assert project.catalog.count() == 6 + 1 + 5
    assert project.read_image(project.catalog.images()[-1].id).shape == (1, 8, 9)


def test_names_are_counted_as_people_count(make: Make, images: Path) -> None:
    for number in (10, 9, 100):
        shutil.copy(images / "cell_1.tif", images / f"cell_{number}.tif")
    names = [Path(record.path).stem for record in make().catalog.images()]
    assert names == [f"cell_{number}" for number in (1, 2, 3, 4, 5, 6, 9, 10, 100)]


def test_files_can_be_named_one_by_one(make: Make, images: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.name"
    shutil.copy(images / "cell_1.tif", odd)
    project = make(images=[images / "cell_2.tif", str(images / "cell_1.tif"), images / "cell_2.tif"])
    assert [Path(record.path).stem for record in project.catalog.images()] == ["cell_2", "cell_1"]
    assert project.add_images(images) == 4
    assert project.add_images([images]) == 0


def test_large_images_are_cut_into_tiles(make: Make) -> None:
    project = make(tile=32, validation=0.5)
    assert {record.shape for record in project.catalog.images()} == {(1, *SHAPE)}
    with pytest.raises(ProjectError, match="expected a tile side"):
        make("small", tile=16)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_look_to_networks_as_they_do_within_their_plane(
    make: Make, tmp_path: Path, compression: str | None
) -> None:
    folder, rng = tmp_path / "large", np.random.default_rng(0)
    folder.mkdir()
    stack = rng.integers(90, 110, (2, 70, 40)).astype(np.uint16)  # noise, and one bright object in each plane
    stack[0, 2:20, 2:20] += 500
    stack[1, 50:60, 20:30] += 900
    tifffile.imwrite(folder / "a.tif", stack, photometric="minisblack", compression=compression)
    project = make(images=folder, tile=32)
    records = project.catalog.images()
    assert len(records) == 2 * 6
    for record in records:
        assert record.plane is not None
        assert record.tile is not None
        y, x, height, width = record.tile
        whole = normalise(stack[record.plane][None], "percentile")
        shown = project.network_image(record.id)
        np.testing.assert_array_equal(shown, whole[:, y : y + height, x : x + width])


def test_tiles_and_planes_of_a_file_are_one_group(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for name in "abc":
        tifffile.imwrite(folder / f"{name}.tif", np.zeros((2, 70, 40), np.uint8), photometric="minisblack")
    project = make(images=folder, tile=32)
    records = project.catalog.images()
    assert len(records) == 3 * 2 * 6
    assert {record.group for record in records} == {"a.tif", "b.tif", "c.tif"}
    assert len({record.id for record in records}) == len(records)


def test_groups_come_from_the_path(make: Make, images: Path) -> None:
    for well in ("A01", "B12"):
        (images / well).mkdir()
        shutil.copy(images / "cell_1.tif", images / well / "t1.tif")
        shutil.copy(images / "cell_1.tif", images / well / "t2.tif")
    whole = make("whole", group_by=r"[A-H]\d\d")
    assert {record.group for record in whole.catalog.images()} >= {"A01", "B12", "cell_1.tif"}
    first = make("first", group_by=r"([A-H])\d\d")
    assert {record.group for record in first.catalog.images()} >= {"A", "B", "cell_1.tif"}
    with pytest.raises(ProjectError, match=r"'\(' is not a regular expression"):
        make("broken", group_by="(")


def test_intensity_is_ranged_for_8_bit_colour_alone(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "rgb"
    folder.mkdir()
    Image.fromarray(np.eye(24, dtype=np.uint8)[:, :3].reshape(8, 3, 3)).save(folder / "a.png")
    assert make("a", images=folder).info.intensity == "range"
    assert make("b", images=folder, intensity="percentile").info.intensity == "percentile"


@pytest.fixture
def as_rgb(images: Path, tmp_path: Path) -> Path:
    """The six grey images once more, each saved as RGB; one as a stack of two planes, one with alpha."""
    folder = tmp_path / "as rgb"
    folder.mkdir()
    for number, path in enumerate(sorted(images.iterdir())):
        grey = tifffile.imread(path)
        rgb = np.stack([grey] * 3, -1)
        if number == 0:
            stack = np.stack([rgb, rgb])
            tifffile.imwrite(folder / path.name, stack, photometric="rgb", metadata={"axes": "ZYXS"})
        elif number == 1:
            tifffile.imwrite(folder / path.name, rgb, photometric="rgb")
        else:
            pixels = np.dstack([rgb, np.full_like(grey, 255)]) if number == 2 else rgb
            Image.fromarray(pixels).save(folder / f"{path.stem}.png")
    return folder


@pytest.mark.parametrize("tile", [0, 32])
def test_rgb_without_colours_is_grey(make: Make, as_rgb: Path, images: Path, tile: int) -> None:
    told: list[str] = []
    grey, project = (
        make("grey", tile=tile),
        make(images=as_rgb, tile=tile, progress=lambda *a: told.append(a[0])),
    )
    assert (project.info.channels, project.info.intensity) == (1, "percentile")
    assert project.warnings == []
    assert told.count("looking for colours") == 6
    for one, other in zip(grey.catalog.images()[1:], project.catalog.images()[2:], strict=True):
        assert other.shape == one.shape
        assert np.array_equal(project.read_image(other.id), grey.read_image(one.id))
        assert np.array_equal(project.network_image(other.id), grey.network_image(one.id))
    assert project.add_images(images) == 6  # the same, as grey files


def test_grey_rgb_is_added_to_grey_images_and_colours_are_not(make: Make, images: Path, as_rgb: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)
    Image.fromarray(colours).save(as_rgb / "colours.png")
    project = make()
    assert project.add_images(as_rgb) == 7
    assert {record.shape for record in project.catalog.images()} == {(1, *SHAPE)}
    assert len(project.warnings) == 1
    assert "colours.png' has 3 channels" in project.warnings[0]
    coloured = make("coloured", images=as_rgb)
    assert (coloured.info.channels, coloured.info.intensity) == (3, "range")
    assert coloured.catalog.count() == 8
    assert (make("asked", images=as_rgb, channels=1).catalog.count()) == 7


def test_network_images_lie_between_0_and_1(project: Project) -> None:
    image = project.network_image(project.catalog.images()[0].id)
    assert image.dtype == np.float32
    assert image.shape == (1, *SHAPE)
    assert (image.min(), image.max()) == (0, 1)


def test_the_pixel_size_comes_from_the_files(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "sized"
    folder.mkdir()
    meta = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    tifffile.imwrite(folder / "a.ome.tif", np.zeros((8, 9), np.uint8), metadata=meta)
    make(images=folder).close()
    with Project.open(tmp_path / "project") as project:
        assert project.info.pixel_size == (0.25, 0.5)


def test_the_project_may_lie_among_the_images(make: Make, images: Path, labels: Path) -> None:
    project = make("images", labels=labels)
    names = [f"cell_{number}.tif" for number in range(1, 7)]
    assert [Path(record.path).name for record in project.catalog.images()] == names
    assert len(project.labeled()) == 5
    assert project.add_images(images) == 0  # its own label files are no images
    assert make("other").catalog.count() == 6


def test_the_labels_may_lie_among_the_images(make: Make, images: Path, labels: Path) -> None:
    shutil.move(labels, images / "masks")
    project = make(labels=images / "masks")
    assert project.catalog.count() == 6
    assert len(project.labeled()) == 5
    assert make("other").catalog.count() == 6 + 5  # nobody said that they are labels


def test_labels_beside_their_images_are_no_images(make: Make, images: Path) -> None:
    for number in (1, 2):
        tifffile.imwrite(images / f"cell_{number}_cp_masks.tif", square(number).astype(np.uint16))
    project = make(labels=images)
    assert project.catalog.count() == 6
    assert len(project.labeled()) == 2
    assert project.warnings == [
        "left out, since they are named like labels of other images: cell_1_cp_masks.tif, cell_2_cp_masks.tif"
    ]


def test_files_that_cannot_be_used_are_left_out_and_named(make: Make, images: Path) -> None:
    (images / "empty.tif").write_bytes(b"")
    (images / "text.png").write_text("no image")
    (images / "strange.czi").write_text("nobody reads this")
    whole = (images / "cell_1.tif").read_bytes()
    (images / "cut.tif").write_bytes(whole[:-100])
    Image.fromarray(np.eye(24, dtype=np.uint8)[:, :3].reshape(8, 3, 3)).save(images / "colour.png")
    project = make()
    assert project.catalog.count() == 6
    for name, words in {
        "empty.tif": "is empty",
        "text.png": "not an image",
        "strange.czi": "no installed napari plugin",
        "cut.tif": "cut off",
        "colour.png": "has 3 channels and this project's images have 1; left out",
    }.items():
        assert [warning for warning in project.warnings if name in warning and words in warning], (
            project.warnings
        )
    assert len(project.warnings) == 5


def test_what_may_not_be_read_is_left_out_and_named(
    make: Make, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, modified_ns = os.walk, adding.modified_ns

    def walk_locked(folder: Path, onerror: Callable[[OSError], None]) -> Any:
        onerror(PermissionError(errno.EACCES, "Permission denied", str(folder / "locked")))
        return walk(folder)

    def refuse(path: Path) -> int:
        if path.name == "cell_1.tif":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return modified_ns(path)

    monkeypatch.setattr(os, "walk", walk_locked)
    monkeypatch.setattr(adding, "modified_ns", refuse)
    project = make()
    assert project.catalog.count() == 5
    assert ["locked' cannot be read (permission denied)" in project.warnings[0], len(project.warnings)] == [
        True,
        2,
    ]
    assert "cell_1.tif' cannot be read (permission denied); left out" in project.warnings[1]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such folder": ({"images": "nowhere"}, "nowhere' does not exist"),
    "no images": ({"images": "labels"}, "there is no image in"),
    "task": ({"task": "detection"}, "expected a task of semantic, multilabel, instances, got 'detection'"),
    "no classes": ({"classes": []}, "expected different class names"),
    "class twice": ({"classes": ["a", "a"]}, "expected different class names"),
    "many classes": ({"classes": [str(number) for number in range(255)]}, "at most 254 classes, got 255"),
    "two kinds of objects": ({"task": "instances", "classes": ["a", "b"]}, "has one class of objects, got 2"),
    "share": ({"validation": 0.9}, "expected a validation share from 0 to 0.5, got 0.9"),
    "seed": ({"seed": -1}, "expected a seed of 0 or more"),
    "no labels": ({"labels": "nowhere"}, "nowhere' is not a folder"),
    "empty labels": ({"labels": "empty"}, "holds no label files"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("there", [True, False])
def test_a_wrong_wish_leaves_nothing_behind(make: Make, tmp_path: Path, name: str, there: bool) -> None:
    wishes, words = WRONG[name]
    (tmp_path / "labels").mkdir()
    (tmp_path / "empty").mkdir()
    wishes = {
        key: tmp_path / value if key in ("images", "labels") else value for key, value in wishes.items()
    }
    if there:
        (tmp_path / "project").mkdir()
    with pytest.raises(ProjectError, match=words):
        make(**wishes)
    assert (tmp_path / "project").exists() == there
    assert not there or list((tmp_path / "project").iterdir()) == []


def test_a_folder_of_files_that_nobody_can_read_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.tif").write_bytes(b"")
    with pytest.raises(ProjectError, match=r"no image in .* can be read; the first: .*a\.tif' is empty"):
        make(images=tmp_path / "bad")


def test_a_project_is_never_made_over_another(make: Make, tmp_path: Path) -> None:
    make()
    with pytest.raises(ProjectError, match="is a project already; open it"):
        make()
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="is a file; choose a folder"):
        make("file")
    (tmp_path / "taken" / "labels").mkdir(parents=True)
    with pytest.raises(ProjectError, match="already holds 'labels'"):
        make("taken")


def test_a_crash_while_making_leaves_no_project(
    make: Make, labels: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_imseg.project.creation.write_info", crash)
    with pytest.raises(KeyboardInterrupt):
        make(labels=labels)
    assert not (tmp_path / "project").exists()


def test_slow_work_tells_how_far_it_is_and_can_be_ended(make: Make, labels: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    make(labels=labels, progress=lambda *what: told.append(what))
    assert told == [
        *(("reading images", done, 6) for done in range(1, 7)),
        *(("reading labels", done, 5) for done in range(1, 6)),
    ]

    def end(what: str, done: int, total: int) -> None:
        if (what, done) == ("reading labels", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make("ended", labels=labels, progress=end)
    assert not (tmp_path / "ended").exists()


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is not a project \(it has no project.toml\)"):
        Project.open(tmp_path)
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(ProjectError, match="is not a project"):
            Project.open(tmp_path / name)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 2", "made by a newer napari-imseg .*; update napari-imseg"),
        ('task = "semantic"', 'task = "x"', "task: .*; mend it with a text editor"),
        ("channels = 1", "channels = ", "cannot be read"),
        ('color = "#E69F00"', 'color = "orange"', "color"),
        ("seed = 0", "sead = 0", "sead: extra inputs"),
    ],
)
def test_a_project_file_that_is_not_valid_is_refused(
    project: Project, old: str, new: str, words: str
) -> None:
    text = project.paths.info.read_text()
    assert old in text
    project.paths.info.write_text(text.replace(old, new))
    with pytest.raises(ProjectError, match=words):
        Project.open(project.folder)


def test_hostile_names_stay_inside(make: Make, images: Path) -> None:
    names = ["-rf.tif", "a\nb.tif", "ü 細胞.tif", "x" * 200 + ".tif", " .tif", "a'b\";--.tif"]
    for name in names:
        shutil.copy(images / "cell_1.tif", images / name)
    project = make()
    assert project.catalog.count() == 6 + len(names)
    for record in project.catalog.images():
        assert project.read_image(record.id).shape == record.shape
        project.write_label(record.id, square())
    assert len(list(project.paths.labels.glob("*.tif"))) == 6 + len(names)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_left_out(make: Make, images: Path) -> None:
    shutil.copy(images / "cell_1.tif", os.path.join(os.fsencode(images), b"\xff\xfe.tif"))
    project = make()
    assert project.catalog.count() == 6
    assert "has a name that is not valid text" in project.warnings[0]
