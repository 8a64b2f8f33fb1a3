"""ACTIS through the engine: generations, crops, checkpoints, resume, and paired with a curator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine import students
from napari_imseg.engine.batches import Crops
from napari_imseg.engine.events import Epoch, Finished, GenerationFinished, StudentStarted
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import StudentRecord, ranked, read_record, record_path
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.method import Example
from napari_imseg.nets.saving import load_network
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from tests.engine.conftest import after, execute, make_project, never, new_run


@pytest.fixture
def tissue(tmp_path: Path) -> Iterator[Project]:
    """Touching cells: 12 images, 4 labeled to train, 2 to validate, 6 unlabeled."""
    with make_project(tmp_path, "touching") as made:
        yield made


@pytest.fixture
def actis(quick: RunSettings) -> RunSettings:
    """Two generations of one student, in epochs of two steps."""
    return quick.model_copy(update={"method": "actis", "students": 1, "top_k": 1, "max_steps": 2})


def methods(run: Run, generations: int) -> list[str]:
    paths = [record_path(run.checkpoints, generation, 0) for generation in range(generations)]
    return [read_record(StudentRecord, path).method for path in paths]


def weights(run: Run, member: str) -> dict[str, torch.Tensor]:
    network, _ = load_network(run.checkpoints / member)
    return network.state_dict()


def starts(project: Project, run: Run, settings: RunSettings, generation: int) -> list[str]:
    """The files whose weights two students start from."""
    room = Room.open(project, run, settings, never)
    found = [room.start_of(generation, student) for student in range(2)]
    return [path.name for path in found if path is not None]


def best(run: Run, generation: int) -> str:
    """The file of the better one of two students."""
    paths = [record_path(run.checkpoints, generation, student) for student in range(2)]
    return ranked([read_record(StudentRecord, path) for path in paths])[0].member


class Seen:
    """Remembers how crops are made, and how many of them a step shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flips: list[bool] = []
        self.examples: list[list[Example]] = []
        self.sizes: set[int] = set()
        seen = self

        class Watched(Crops):
            def __init__(self, examples: Any, tile: int, flips: bool, *rest: Any) -> None:
                seen.flips.append(flips)
                seen.examples.append(examples)
                super().__init__(examples, tile, flips, *rest)

            def batch(self, step: int, size: int) -> Any:
                seen.sizes.add(size)
                return super().batch(step, size)

        monkeypatch.setattr(students, "Crops", Watched)


def test_a_run_and_the_same_run_stopped_and_resumed(
    nuclei: Project, actis: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    settings = actis.model_copy(update={"method_settings": {"teacher_every": 1}})
    whole = new_run(nuclei, settings)
    events = execute(nuclei, settings, whole)

    assert isinstance(events[-1], Finished)
    assert methods(whole, 2) == ["actis-supervised", "actis"]
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [set(event.losses) for event in epochs] == [{"supervised"}] * 2 + [{"supervised", "semi"}] * 2
    assert {event.metric_name for event in epochs} == {"ap50_pr"}
    for last in (epochs[1], epochs[3]):
        assert last.metric is not None
        assert 0 <= last.metric <= 1
    assert [event.training_images for event in events if isinstance(event, StudentStarted)] == [4, 4 + 6]
    assert seen.flips == [False] * 3, "the method turns crops itself"
    assert seen.sizes == {2, 4}, "twice as many unlabeled crops as labeled ones"

    run = new_run(nuclei, settings)
    for questions in (3, 4):  # in generation 0, then in generation 1
        with pytest.raises(StopRequested):
            execute(nuclei, settings, run, after(questions))
    assert isinstance(execute(nuclei, settings, run)[-1], Finished)
    for generation in range(2):
        mine, other = (weights(each, f"g{generation}-s0.safetensors") for each in (run, whole))
        assert all(torch.equal(mine[name], other[name]) for name in mine), f"generation {generation}"


def test_inconsistency_masks_with_actis(
    tissue: Project, quick: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels and curated images are learned as labels, all unlabeled images beside them; IM size ranks."""
    seen = Seen(monkeypatch)
    names = {"method": "inconsistency-masks", "objective": "actis"}
    settings = quick.model_copy(update={**names, "generations": 2, "epochs": 1, "max_steps": 2})
    run = new_run(tissue, settings)
    events = execute(tissue, settings, run)
    assert isinstance(events[-1], Finished)
    assert methods(run, 3) == ["actis-supervised", "actis", "actis"]
    generations = [event for event in events if isinstance(event, GenerationFinished)]
    assert [event.metric_name for event in generations] == ["ap50_pr"] * 3
    kept = [event.kept for event in generations]
    assert kept[0] > 0

    labels = {record.id for record in tissue.labeled("train")}
    unlabeled = {record.id for record in tissue.unlabeled()}
    assert (len(labels), len(unlabeled)) == (4, 6)
    assert [len(examples) for examples in seen.examples[:2]] == [4, 4], "generation 0 learns labels alone"
    for first, count in ((2, kept[0]), (6, kept[1])):  # two students, labeled and unlabeled crops of each
        for learned, beside in (seen.examples[first : first + 2], seen.examples[first + 2 : first + 4]):
            assert {one.name for one in learned[:4]} == labels
            assert len(learned) == 4 + count
            assert {one.name for one in learned[4:]} <= unlabeled
            assert {one.name for one in beside} == unlabeled
            assert all((one.target_H_W == UNLABELED).all() for one in beside)
    curated = seen.examples[2][4:]
    assert any((one.target_H_W == UNLABELED).any() for one in curated), "where teachers disagree"
    assert all((one.target_H_W >= 0).any() for one in curated), "where they agree"

    for generation, event in enumerate(generations):
        sizes = tissue.catalog.scores(f"{run.name}-g{generation}", "im-size")
        assert sizes.keys() == unlabeled
        assert event.im_fraction == pytest.approx(np.mean(list(sizes.values())) / 64**2, rel=1e-3)
    for generation in (1, 2):
        assert starts(tissue, run, settings, generation) == [best(run, generation - 1)] * 2


def test_where_there_are_no_objects_iou_chooses_the_epoch(project: Project, actis: RunSettings) -> None:
    settings = actis.model_copy(update={"method": "actis-supervised", "epochs": 1})
    events = execute(project, settings, new_run(project, settings))
    assert [event.metric_name for event in events if isinstance(event, Epoch)] == ["iou"]
    with pytest.raises(SettingsError, match="checkpoint=ap50 counts objects, but this project is semantic"):
        recipe_of(settings.model_copy(update={"checkpoint": "ap50"}), project.problem)


def test_generation_0_has_the_settings_of_the_labels(nuclei: Project, actis: RunSettings) -> None:
    given = {"affine": 0.5, "semi_learning_rate": 0.02}
    recipe = recipe_of(actis.model_copy(update={"method_settings": given}), nuclei.problem)
    (first, start), (second, rest) = recipe.loss(0), recipe.loss(1)
    assert (first.name, second.name) == ("actis-supervised", "actis")
    assert start.model_dump().items() <= rest.model_dump().items()
    assert start.model_dump()["affine"] == 0.5
    assert start.model_dump()["learning_rate"] == pytest.approx(0.001)
    assert np.isclose(rest.model_dump()["semi_learning_rate"], 0.02)
