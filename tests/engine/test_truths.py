"""True labels that a control is told: read as labels that are imported, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine import training_set, truths
from napari_imseg.engine.events import Event, Finished, Note, StudentStarted
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.settings import SettingsError
from tests.engine.conftest import execute, make_project, never, new_run

MASKS = ["a", "b", "c", "d", "e"]
SIDE = 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for true labels."""
    (tmp_path / "truth").mkdir()
    return tmp_path / "truth"


@pytest.fixture
def control(quick: RunSettings, folder: Path) -> RunSettings:
    """GT-IM++ that is told what lies in ``folder``."""
    lenient = {"foreground_filter": False}
    return quick.model_copy(update={"method": "GT-IM++", "truth": str(folder), "method_settings": lenient})


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Projects of four images, two of which are labeled; ``make(task=..., classes=...)``."""
    made: list[Project] = []

    def create(label: NDArray[Any], **wishes: Any) -> Project:
        (tmp_path / "images").mkdir()
        (tmp_path / "labels").mkdir()
        rng = np.random.default_rng(0)
        for number in range(4):
            pixels = rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
            tifffile.imwrite(tmp_path / "images" / f"{number}.tif", pixels)
        for number in range(2):
            tifffile.imwrite(tmp_path / "labels" / f"{number}.tif", label, photometric="minisblack")
        images, labels = tmp_path / "images", tmp_path / "labels"
        made.append(Project.create(tmp_path / "project", images=images, labels=labels, **wishes))
        return made[-1]

    yield create
    for project in made:
        project.close()


def square(value: int = 1) -> NDArray[np.int32]:
    label = np.zeros((SIDE, SIDE), np.int32)
    label[8:40, 8:40] = value
    return label


def tell(project: Project, folder: Path, label: NDArray[Any]) -> None:
    """Make ``label`` the truth about every unlabeled image."""
    for record in project.unlabeled():
        tifffile.imwrite(folder / Path(record.path).name, label, photometric="minisblack")


def kept(
    project: Project, settings: RunSettings, should_stop: Callable[[], bool] = never
) -> tuple[Room, list[Event]]:
    """A run that has read its truths, and what it told."""
    run = new_run(project, settings)
    training_set.freeze(project, run)
    room = Room.open(project, run, settings, should_stop)
    return room, list(truths.keep(room))


@pytest.mark.parametrize(
    ("stored", "remarks"),
    [
        (square(), 0),
        (square(255).astype(np.uint8), 0),
        (square(7).astype(np.uint16), 1),
        (square() > 0, 0),
        (square().astype(np.float32), 0),
    ],
    ids=["0 and 1", "0 and 255", "instance ids", "bool", "float"],
)
def test_one_class_may_be_written_as_in_labels_that_are_imported(
    project: Project, control: RunSettings, folder: Path, stored: NDArray[Any], remarks: int
) -> None:
    tell(project, folder, stored)
    room, events = kept(project, control)
    for record in project.unlabeled():
        found = truths.true_target(room, record.id)
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, square())
    told = [event.message for event in events if isinstance(event, Note)]
    assert told[0] == "reading 6 true labels"
    assert len(told) == 1 + remarks
    assert all("instance ids were read as the class" in message for message in told[1:])


@pytest.mark.parametrize("value", [1, 255])
def test_five_masks_are_told_and_learned_with(
    make: Callable[..., Project], control: RunSettings, folder: Path, value: int
) -> None:
    masks = np.stack([square() * (number % 2) for number in range(5)]).astype(np.uint8)
    project = make(masks, task="multilabel", classes=MASKS, validation=0.0)
    tell(project, folder, masks * value)
    room, _ = kept(project, control)
    np.testing.assert_array_equal(truths.true_target(room, project.unlabeled()[0].id), masks)
    assert isinstance(execute(project, control)[-1], Finished)


def test_ids_of_objects_become_three_classes(nuclei: Project, control: RunSettings, folder: Path) -> None:
    tell(nuclei, folder, square(70_000).astype(np.uint32))
    room, _ = kept(nuclei, control)
    found = truths.true_target(room, nuclei.unlabeled()[0].id)
    assert np.unique(found).tolist() == [0, 1, 2]


def test_they_are_found_by_the_name_of_their_image(
    project: Project, control: RunSettings, folder: Path
) -> None:
    (folder / "sub").mkdir()
    for record in project.unlabeled():
        picture = Image.fromarray(square(255).astype(np.uint8))
        picture.save(folder / "sub" / f"{Path(record.path).stem}_mask.png")
    room, _ = kept(project, control)
    np.testing.assert_array_equal(truths.true_target(room, project.unlabeled()[-1].id), square())


def test_pixels_without_a_truth_stay_without_one(
    project: Project, control: RunSettings, folder: Path
) -> None:
    tell(project, folder, np.where(square() > 0, UNLABELED, 0).astype(np.int16))
    room, _ = kept(project, control)
    assert (truths.true_target(room, project.unlabeled()[0].id)[8:40, 8:40] == UNLABELED).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.zeros((SIDE, SIDE - 1), np.uint8), "expected 64 x 64 .* got 64 x 63"),
        (np.zeros((2, SIDE, SIDE), np.uint8), "expected 64 x 64 .* got 2 x 64 x 64"),
        (np.zeros((9, SIDE, SIDE), np.uint8), "expected the size of its image, got 9 x 64 x 64"),
        (np.full((SIDE, SIDE), 0.5, np.float32), "expected whole numbers as ids, got fractions"),
        (np.full((SIDE, SIDE), -7, np.int16), "expected the class ids 0 background, .* got -7"),
        (None, "there is no true label of '.*'; set truth to a folder"),
    ],
    ids=["size", "axes", "more axes", "fractions", "values", "missing"],
)
def test_a_wrong_truth_is_told_before_anything_is_trained(
    project: Project, control: RunSettings, folder: Path, wrong: NDArray[Any] | None, sentence: str
) -> None:
    tell(project, folder, square())
    last = folder / Path(project.unlabeled()[-1].path).name
    last.unlink()
    if wrong is not None:
        tifffile.imwrite(last, wrong, photometric="minisblack")
    events, run = list[Event](), new_run(project, control)
    with pytest.raises(ProjectError, match=sentence):
        events.extend(Generations(project, run, control, never).events())
    assert not any(isinstance(event, StudentStarted) for event in events)
    assert not list(run.checkpoints.iterdir())
    assert not list((run.folder / "curated").iterdir()), "half of the truths stayed"


def test_images_of_the_project_in_the_same_folder_are_no_truth(
    project: Project, control: RunSettings
) -> None:
    images = project.folder / Path(project.unlabeled()[0].path).parent
    with pytest.raises(ProjectError, match=r"no label file in .* has the name of an image"):
        kept(project, control.model_copy(update={"truth": str(images)}))


def test_truths_of_labeled_images_are_not_looked_at(
    project: Project, control: RunSettings, folder: Path
) -> None:
    tell(project, folder, square())
    (folder / f"{Path(project.labeled()[0].path).stem}.tif").write_bytes(b"damaged")
    room, _ = kept(project, control)
    assert {path.stem for path in room.truths.iterdir()} == {record.id for record in project.unlabeled()}


def test_without_a_folder_there_is_no_run(project: Project, control: RunSettings) -> None:
    with pytest.raises(SettingsError, match="set truth to the folder of the true labels"):
        execute(project, control.model_copy(update={"truth": ""}))
    assert not (project.folder / "runs" / "r001" / "training_set.json").exists()
    with pytest.raises(ProjectError, match="nowhere' is not a folder"):
        kept(project, control.model_copy(update={"truth": "nowhere"}))


def test_a_resumed_run_is_told_the_same(project: Project, control: RunSettings, folder: Path) -> None:
    tell(project, folder, square())
    room, _ = kept(project, control)
    tell(project, folder, 1 - square())
    assert list(truths.keep(room)) == []
    np.testing.assert_array_equal(truths.true_target(room, project.unlabeled()[0].id), square())


def test_reading_can_be_stopped(project: Project, control: RunSettings, folder: Path) -> None:
    tell(project, folder, square())
    with pytest.raises(StopRequested):
        kept(project, control, lambda: True)
    room, _ = kept(project, control)
    assert room.truths.is_dir()


def test_other_methods_are_told_nothing(tmp_path: Path, quick: RunSettings) -> None:
    with make_project(tmp_path) as project:
        room, events = kept(project, quick.model_copy(update={"truth": "nowhere"}))
        assert events == []
        assert not room.truths.exists()
