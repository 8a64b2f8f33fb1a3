"""Masks of other tools in real runs: beside the networks, and as their first teachers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.metrics import semantic_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine import process
from napari_imseg.engine.events import Event, Finished, GenerationFinished, Note, StudentStarted
from napari_imseg.engine.foreign import one_hot
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.unet import UNet1x1
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from napari_imseg.synthetic.dataset import write_dataset
from tests.engine.conftest import after, execute, make_project, never
from tests.engine.test_generations import figures

CPU = Hardware("cpu", "fp32", True, "CPU")
Change = Callable[[NDArray[Any]], NDArray[Any]]


def large(label: NDArray[Any]) -> NDArray[Any]:
    """A tool that finds every object and draws it too large."""
    return np.asarray(ndimage.grey_dilation(label, size=3))


def small(label: NDArray[Any]) -> NDArray[Any]:
    """A tool that finds every object and draws it too small."""
    return np.asarray(ndimage.grey_erosion(label, size=3))


def right(label: NDArray[Any]) -> NDArray[Any]:
    return label


def inverted(label: NDArray[Any]) -> NDArray[Any]:
    return (label == 0).astype(label.dtype)


def add(
    project: Project, name: str, change: Change, images: slice = slice(None), kind: str = "nuclei"
) -> None:
    """Import what a tool says of some of the images, as a folder of its files."""
    truth, masks = project.folder.parent / "truth", project.folder.parent / name
    if not truth.exists():
        write_dataset(kind, truth, project.catalog.count(), seed=1, shape=(64, 64))
    masks.mkdir()
    for path in sorted((truth / "labels").iterdir())[images]:
        tifffile.imwrite(masks / f"{path.stem}_cp_masks.tif", change(tifffile.imread(path)))
    project.members.import_folder(name, masks)


def notes(events: list[Event]) -> str:
    return "\n".join(event.message for event in events if isinstance(event, Note))


@pytest.fixture
def two(project: Project) -> Project:
    """The project, with the masks of two tools for all images."""
    add(project, "large", large)
    add(project, "small", small)
    return project


@pytest.fixture
def taught(quick: RunSettings) -> RunSettings:
    """A run of seconds whose first teachers are two tools."""
    return quick.model_copy(update={"first_teachers": ("large", "small")})


# --- beside the networks ---------------------------------------------------------------------


def test_the_im_shows_where_a_tool_disagrees(project: Project, quick: RunSettings) -> None:
    add(project, "tool", right, slice(0, 9))  # 6 images have a label, so 3 of 6 unlabeled ones have a mask
    alone = quick.model_copy(update={"generations": 0})
    execute(project, alone)
    events = execute(project, alone.model_copy(update={"foreign": ("tool",)}))

    assert "tool has masks of 3 of 6 unlabeled images" in notes(events)
    for place, record in enumerate(project.unlabeled()):
        without = project.read_prediction("r001-g0", record.id)
        beside = project.read_prediction("r002-g0", record.id)
        expected = without.im_H_W
        path = project.members.path("tool", record.id)
        assert path.exists() == (place < 3)
        if path.exists():
            differs = without.pseudo_label_H_W != project.members.read(path, record.id)
            expected = without.im_H_W | differs
            assert differs[~without.im_H_W].any()
        assert np.array_equal(beside.im_H_W, expected)


def test_tools_are_scored_beside_students_and_never_among_the_best(
    project: Project, quick: RunSettings
) -> None:
    add(project, "perfect", right)
    add(project, "wrong", inverted)
    settings = quick.model_copy(update={"foreign": ("wrong", "perfect"), "epochs": 1})
    events = execute(project, settings)

    for generation in (0, 1):
        record = find_generation(project, str(generation))
        assert record.teachers == sorted(record.teachers, key=lambda name: -score_of(record.scores, name))
        assert all(name.endswith(".safetensors") for name in record.teachers)
        assert record.foreign == ["wrong", "perfect"]
        assert record.scores[0].name == "perfect"
        assert [one.score for one in record.scores if one.name in record.foreign] == [1.0, 0.0]
        assert {one.images for one in record.scores} == {2}
        assert len(Model.load(project, record, "cpu").ensemble.members) == 2
    assert "IoU 1.000 on 2 of 2 validation images" in notes(events)
    card = (project.folder / "runs" / "r001" / "card.md").read_text()
    assert "| 1 | perfect | 1.0000 | 2 |" in card
    finished = [event for event in events if isinstance(event, GenerationFinished)]
    assert [event.foreign for event in finished] == [["wrong", "perfect"]] * 2


def score_of(scores: list[Any], name: str) -> float:
    """As students are ranked: rounded, the earlier of equals first."""
    return round(next(one.score for one in scores if one.name == name), 3)


def test_one_network_and_a_tool_are_two_voices(project: Project, quick: RunSettings) -> None:
    add(project, "tool", right, slice(0, 10))
    no_filter = {"foreground_filter": False}
    one = quick.model_copy(update={"students": 1, "top_k": 1, "method_settings": no_filter})
    with pytest.raises(SettingsError, match=r"at least 2 teachers.*let masks of another tool join"):
        execute(project, one)
    events = execute(project, one.model_copy(update={"foreign": ("tool",)}))
    first = next(event for event in events if isinstance(event, GenerationFinished))
    assert (first.kept, first.dropped) == (4, 2)  # of the others only the network has said something


# --- as first teachers -----------------------------------------------------------------------


def held_out(folder: Path) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int16]]]:
    """Images that no run and no tool has seen, with the truth."""
    write_dataset("nuclei", folder / "held out", 4, seed=2, shape=(64, 64))
    with Project.create(
        folder / "held out" / "project",
        images=folder / "held out" / "images",
        labels=folder / "held out" / "labels",
        task="semantic",
    ) as project:
        for record in project.catalog.images():
            label = project.read_label(record.id)
            assert label is not None
            yield project.network_image(record.id), label.astype(np.int16)


def mean_iou(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pairs: list[tuple[NDArray[np.float32], NDArray[np.int16]]],
    problem: Problem,
) -> float:
    scores = [semantic_metrics(truth, predict(image).argmax(0), problem)["iou"] for image, truth in pairs]
    return float(np.mean(scores))


def test_two_tools_teach_networks_without_a_single_label(tmp_path: Path, quick: RunSettings) -> None:
    with make_project(tmp_path, images=12, labeled=0) as project:
        add(project, "large", large)
        add(project, "small", small)
        update = {"students": 1, "top_k": 1, "epochs": 12, "min_steps": 8, "batch_size": 4, "tile": 64}
        learning = {"alpha": 0.25, "averaging": 0.9, "first_teachers": ("large", "small")}
        events = execute(project, quick.model_copy(update=update | learning))

        started = [event for event in events if isinstance(event, StudentStarted)]
        assert [(event.generation, event.training_images) for event in started] == [(1, 12)]
        assert "learn from the masks of large and small alone" in notes(events)
        assert "no validation image" in notes(events)
        record = find_generation(project)
        assert record.name == "r001-g1"
        pairs = list(held_out(tmp_path))
        taught = mean_iou(Model.load(project, record, "cpu").ensemble.mean, pairs, project.problem)
        torch.manual_seed(0)
        fresh = NetworkMember(UNet1x1(1, 1, 0.25), project.problem, False, CPU)
        untrained = mean_iou(lambda image: fresh.probabilities(image[None])[0], pairs, project.problem)
    assert taught > untrained + 0.3  # of objects a few pixels wide, after 96 steps


def test_labels_are_learned_with_what_the_tools_agree_on(two: Project, taught: RunSettings) -> None:
    events = execute(two, taught)
    assert isinstance(events[-1], Finished)
    assert events[-1].best_generation == 1
    started = [event for event in events if isinstance(event, StudentStarted)]
    assert {(event.generation, event.training_images) for event in started} == {(1, 4 + 6)}
    first, second = find_generation(two, "0"), find_generation(two, "1")
    assert (first.teachers, first.foreign, first.score) == ([], ["large", "small"], None)
    assert (second.foreign, len(second.teachers)) == ([], 2)
    for record in two.unlabeled():
        a, b = (two.members.read(two.members.path(name, record.id), record.id) for name in ("large", "small"))
        assert np.array_equal(two.read_prediction("r001-g0", record.id).im_H_W, a != b)
    assert two.catalog.scores("r001-g0", "im-size").keys() == {record.id for record in two.unlabeled()}


def test_a_generation_that_nobody_taught_is_told(project: Project, taught: RunSettings) -> None:
    add(project, "large", right)
    add(project, "small", inverted)
    events = execute(project, taught.model_copy(update={"epochs": 1}))
    assert isinstance(events[-1], Finished)
    first = next(event for event in events if isinstance(event, GenerationFinished))
    assert (first.kept, first.dropped) == (0, 6)
    started = [event for event in events if isinstance(event, StudentStarted)]
    assert {(event.generation, event.training_images) for event in started} == {(1, 4)}
    assert (
        "agree on too little of what there may be in the unlabeled images, so generation 1 learns"
        in notes(events)
    )


def test_a_generation_of_masks_cannot_predict_other_images(two: Project, taught: RunSettings) -> None:
    run = Run.create(two.folder, taught.model_dump(mode="json"))
    events = Generations(two, run, taught, never).events()
    while not isinstance(next(events), GenerationFinished):
        pass
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(ProjectError, match=r"r001-g0 has no networks, only the masks .*\(large, small\)"):
        Model.load(two, find_generation(two), "cpu")


def test_one_tool_teaches_where_one_teacher_is_enough(project: Project, quick: RunSettings) -> None:
    add(project, "tool", right, slice(0, 9))
    change = {"method": "noisy-student", "first_teachers": ("tool",), "epochs": 1, "warm_start": True}
    events = execute(project, quick.model_copy(update=change))
    first = next(event for event in events if isinstance(event, GenerationFinished))
    assert (first.kept, first.dropped, first.im_fraction) == (3, 3, None)
    seen = [project.paths.prediction("r001-g0", record.id).exists() for record in project.unlabeled()]
    assert seen == [True] * 3 + [False] * 3


def test_the_card_says_that_tools_teach_a_noisy_student_only_where_there_is_no_network(
    two: Project, taught: RunSettings
) -> None:
    change = {"method": "noisy-student", "foreign": ("small",), "generations": 2, "epochs": 1}
    execute(two, taught.model_copy(update=change))
    card = (two.folder / "runs" / "r001" / "card.md").read_text(encoding="utf-8")
    assert "from what the masks of large or else of small say of" in card
    assert "from what the best teacher of generation 1 says of" in card


def test_tools_may_teach_first_and_speak_later(two: Project, taught: RunSettings) -> None:
    events = execute(two, taught.model_copy(update={"foreign": ("small",), "generations": 2, "epochs": 1}))
    finished = [event for event in events if isinstance(event, GenerationFinished)]
    assert [event.foreign for event in finished] == [["large", "small"], ["small"], ["small"]]


@pytest.mark.parametrize("kind", ["cells", "nuclei-instances"])
def test_classes_and_instances(tmp_path: Path, taught: RunSettings, kind: str) -> None:
    with make_project(tmp_path, kind) as project:
        add(project, "large", large, kind=kind)
        add(project, "small", right, kind=kind)
        events = execute(project, taught.model_copy(update={"epochs": 1}))
        assert isinstance(events[-1], Finished)
        assert find_generation(project, "0").scores[0].score == pytest.approx(1)
        if kind == "nuclei-instances":
            stored = project.read_prediction("r001-g0", project.unlabeled()[0].id).probabilities_C_H_W
            assert stored is not None
            assert set(np.unique(stored).tolist()) <= {0.0, np.float32(128 / 255), 1.0}


def test_certainty_as_probabilities() -> None:
    target = np.array([[0, 2], [1, 0]], np.int16)
    classes = one_hot(target, Problem(Task.SEMANTIC, 1, 3))
    assert classes.dtype == np.float32
    assert np.array_equal(classes.argmax(0), target)
    assert np.array_equal(classes.sum(0), np.ones((2, 2)))
    masks = np.array([[[1, 0]], [[1, 1]]], np.int16)
    assert np.array_equal(one_hot(masks, Problem(Task.MULTILABEL, 1, 2)), masks)


# --- the same figures, whatever happens --------------------------------------------------------


@pytest.mark.parametrize("questions", [1, 3, 6])
def test_masks_that_change_while_a_run_is_stopped_do_not_change_it(
    two: Project, taught: RunSettings, questions: int
) -> None:
    settings = taught.model_copy(update={"foreign": ("small",)})
    undisturbed = execute(two, settings)
    run = Run.create(two.folder, settings.model_dump(mode="json"))
    with pytest.raises(StopRequested):
        list(Generations(two, run, settings, after(questions)).events())
    two.members.remove("large")
    for record in two.unlabeled():
        two.members.write("small", record.id, np.zeros((64, 64), np.int32))

    resumed = list(Generations(two, run, settings, never).events())

    assert figures(resumed)[-1] == figures(undisturbed)[-1]
    assert {line[0]: line for line in figures(resumed)}.items() <= {
        line[0]: line for line in figures(undisturbed)
    }.items()


def test_training_leaves_the_masks_alone(two: Project, taught: RunSettings) -> None:
    before = {path: path.read_bytes() for path in two.paths.members.rglob("*.tif")}
    execute(two, taught)
    assert {path: path.read_bytes() for path in two.paths.members.rglob("*.tif")} == before


def test_several_processes_give_the_same_figures_as_one(two: Project, taught: RunSettings) -> None:
    settings = taught.model_copy(update={"foreign": ("large",), "workers": 2})
    together = list(process.follow(process.start(two.folder, settings), poll=0.05))
    assert isinstance(together[-1], Finished)
    assert figures(together) == figures(execute(two, settings.model_copy(update={"workers": 1})))


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"foreign": ("medium",)}, "called 'medium'; it has: large, small"),
        ({"first_teachers": ("large", "../small")}, r"called '\.\./small'; it has: large, small"),
        ({"first_teachers": ("large",)}, "at least 2 teachers, but first_teachers names large alone"),
        ({"first_teachers": ("large", "large")}, "names large alone"),
        ({"first_teachers": ("large",), "method": "IE"}, "input-ensemble asks a teacher about changed"),
        ({"first_teachers": ("large",), "method": "evalnet"}, "evalnet trains EvalNets on what networks"),
        ({"first_teachers": ("large", "small"), "method": "IM++"}, "leave first_teachers out"),
        ({"first_teachers": ("large",), "method": "supervised"}, "there is none with supervised; choose"),
        ({"first_teachers": ("large",), "method": "ALDT"}, "there is none with augmented-supervised"),
        ({"first_teachers": ("large", "small"), "generations": 0}, "there is none with generations=0"),
        ({"first_teachers": ("large", "small"), "first_run": "r001"}, "leave one of them out"),
        ({"first_teachers": ("large", "small"), "objective": "CL"}, "starts from networks of generation 0"),
    ],
)
def test_mistakes_are_told_before_any_work(
    two: Project, quick: RunSettings, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        execute(two, quick.model_copy(update=change))
    assert not (two.folder / "runs" / "r001" / "training_set.json").exists()


def test_first_teachers_need_images_without_a_label(project: Project, taught: RunSettings) -> None:
    add(project, "large", large)
    add(project, "small", small, slice(0, 6))  # those that have a label
    with pytest.raises(ProjectError, match=r"no unlabeled image has masks of 2 of .*\(large, small\)"):
        execute(project, taught)


def test_tools_that_agree_on_nothing_teach_nothing(tmp_path: Path, taught: RunSettings) -> None:
    with make_project(tmp_path, images=4, labeled=0) as project:
        add(project, "large", right)
        add(project, "small", inverted)
        with pytest.raises(ProjectError, match="generation 1 has nothing to learn from"):
            execute(project, taught)
