"""ACTIS through the engine: generations, crops, checkpoints, resume, and paired with a curator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_imseg.core.problem import UNLABELED
from napari_imseg.core.thresholds import find_thresholds
from napari_imseg.engine import students
from napari_imseg.engine.batches import Crops
from napari_imseg.engine.events import Epoch, Finished, GenerationFinished, StudentFinished, StudentStarted
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import (
    GenerationRecord,
    StudentRecord,
    generation_path,
    ranked,
    read_record,
    record_path,
)
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.method import Example
from napari_imseg.nets.saving import load_network
from napari_imseg.project.errors import ProjectError
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
    cold = settings.model_copy(update={"warm_start": False})
    for generation in (1, 2):
        own = [f"g{generation - 1}-s{student}.safetensors" for student in range(2)]
        assert starts(tissue, run, settings, generation) == own
        assert starts(tissue, run, cold, generation) == [best(run, generation - 1)] * 2


def test_inconsistency_masks_with_actis_go_on_from_networks_that_learned_labels_alone(
    tissue: Project, quick: RunSettings
) -> None:
    first = quick.model_copy(update={"method": "actis-supervised", "generations": 0, "epochs": 1})
    earlier = new_run(tissue, first)
    execute(tissue, first, earlier)
    still = {"semi_learning_rate": 1e-12, "last_learning_rate": 1e-12, "weight_decay": 0.0}
    names = {"method": "inconsistency-masks", "objective": "actis", "objective_settings": still}
    settings = quick.model_copy(update={**names, "epochs": 1, "first_run": earlier.name, "averaging": 0.0})
    run = new_run(tissue, settings)
    execute(tissue, settings, run)
    for student in range(2):
        before, now = (
            weights(earlier, f"g0-s{student}.safetensors"),
            weights(run, f"g1-s{student}.safetensors"),
        )
        parameters = [name for name in before if "running" not in name and "num_batches" not in name]
        assert all(torch.allclose(before[name], now[name], atol=1e-6) for name in parameters)

    black = new_run(tissue, settings.model_copy(update={"method_settings": {"blocking": "black"}}))
    execute(tissue, settings.model_copy(update={"method_settings": {"blocking": "black"}}), black)
    for student in range(2):
        before = weights(earlier, f"g0-s{student}.safetensors")
        now = weights(black, f"g1-s{student}.safetensors")
        assert len(now["head.weight"]) == len(before["head.weight"]) + 1, "one for inconsistent pixels"
        assert torch.allclose(before["head.weight"], now["head.weight"][:3], atol=1e-6)
        others = [name for name in parameters if not name.startswith("head")]
        assert all(torch.allclose(before[name], now[name], atol=1e-6) for name in others)

    wider = settings.model_copy(update={"alpha": 0.25})
    with pytest.raises(ProjectError, match="another network than theirs; train generation 0 with the same"):
        execute(tissue, wider)


def test_half_of_the_crops_can_be_those_of_true_labels(
    tissue: Project, quick: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    settings = quick.model_copy(update={"epochs": 1, "max_steps": 2, "labeled_share": 0.75})
    events = execute(tissue, settings)
    labels = {record.id for record in tissue.labeled("train")}
    assert [len(examples) for examples in seen.examples[:2]] == [4, 4], "generation 0 has true labels alone"
    names = [example.name for example in seen.examples[2]]
    made = [name for name in names if name not in labels]
    assert len(made) > 2
    assert names.count(min(labels)) == max(1, round(3 * len(made) / 4))
    told = [event.training_images for event in events if isinstance(event, StudentStarted)]
    assert told == [4, 4, 4 + len(made), 4 + len(made)], "each image is counted once"


def test_students_of_objects_are_ranked_by_objects(nuclei: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"method": "actis-supervised", "generations": 0, "epochs": 1})
    run = new_run(nuclei, settings)
    events = execute(nuclei, settings, run)
    names = [event.metric_name for event in events if isinstance(event, StudentFinished)]
    assert names == ["ap50_pr", "ap50_pr"]
    (last,) = [event for event in events if isinstance(event, GenerationFinished)]
    record = read_record(GenerationRecord, generation_path(nuclei, f"{run.name}-g{last.generation}"))
    for one in record.scores:
        student = read_record(StudentRecord, (run.checkpoints / one.name).with_suffix(".json"))
        ensemble = Room.open(nuclei, run, settings, never).ensemble([one.name])
        maps = [ensemble.mean(nuclei.network_image(image.id)) for image in nuclei.labeled("validation")]
        truths = [nuclei.read_label(image.id) for image in nuclei.labeled("validation")]
        assert one.score == student.score == pytest.approx(find_thresholds(maps, truths).score)  # type: ignore[arg-type]
        assert student.pixel_score is not None
        assert student.pixel_score != student.score


def test_where_there_are_no_objects_iou_chooses_the_epoch(project: Project, actis: RunSettings) -> None:
    settings = actis.model_copy(update={"method": "actis-supervised", "epochs": 1})
    events = execute(project, settings, new_run(project, settings))
    assert [event.metric_name for event in events if isinstance(event, Epoch)] == ["iou"]
    with pytest.raises(SettingsError, match="checkpoint=ap50 counts objects, but this project is semantic"):
        recipe_of(settings.model_copy(update={"checkpoint": "ap50"}), project.problem)


def test_generation_0_has_the_settings_of_the_labels(nuclei: Project, actis: RunSettings) -> None:
    given = {"affine": 0.5, "learning_rate": 0.002, "semi_learning_rate": 0.02}
    recipe = recipe_of(actis.model_copy(update={"method_settings": given}), nuclei.problem)
    (first, start), (second, rest) = recipe.loss(0), recipe.loss(1)
    assert (first.name, second.name) == ("actis-supervised", "actis")
    assert start.model_dump().items() <= rest.model_dump().items()
    assert start.model_dump()["affine"] == 0.5
    assert start.model_dump()["learning_rate"] == pytest.approx(0.002)
    assert np.isclose(rest.model_dump()["semi_learning_rate"], 0.02)
