"""DenoiSeg through the engine: beside a curator, stopped and resumed, saved as an ordinary network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_imseg.engine.events import Epoch, Finished, StudentStarted
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import GenerationRecord, generation_path, read_record
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.nets.saving import load_network
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from tests.engine.conftest import after, execute, make_project, new_run


@pytest.fixture
def denoiseg(quick: RunSettings) -> RunSettings:
    """One student, two epochs of two steps."""
    return quick.model_copy(update={"method": "denoiseg", "students": 1, "top_k": 1, "max_steps": 2})


def test_a_run_and_the_same_run_stopped_and_resumed(nuclei: Project, denoiseg: RunSettings) -> None:
    whole = new_run(nuclei, denoiseg)
    events = execute(nuclei, denoiseg, whole)
    assert isinstance(events[-1], Finished)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [set(event.losses) for event in epochs] == [{"denoising", "supervised"}] * 2
    assert [event.training_images for event in events if isinstance(event, StudentStarted)] == [4 + 6]

    run = new_run(nuclei, denoiseg)
    with pytest.raises(StopRequested):
        execute(nuclei, denoiseg, run, after(4))
    assert isinstance(execute(nuclei, denoiseg, run)[-1], Finished)
    mine, other = (load_network(each.checkpoints / "g0-s0.safetensors")[0] for each in (run, whole))
    expected = other.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in mine.state_dict().items())


def test_what_is_kept_says_classes_alone_and_makes_objects_by_watershed(
    nuclei: Project, denoiseg: RunSettings
) -> None:
    run = new_run(nuclei, denoiseg)
    execute(nuclei, denoiseg, run)
    _, header = load_network(run.checkpoints / "g0-s0.safetensors")
    assert header.arguments["outputs"] == 3
    record = read_record(GenerationRecord, generation_path(nuclei, f"{run.name}-g0"))
    model = Model.load(nuclei, record, "cpu")
    maps = model.ensemble.mean(np.random.default_rng(0).random((1, 40, 50), np.float32))
    assert maps.shape == (3, 40, 50)
    assert model.label(maps).shape == (40, 50)


def test_it_is_the_loss_of_a_curator(nuclei: Project, quick: RunSettings) -> None:
    names = {"method": "inconsistency-masks", "objective": "denoiseg"}
    settings = quick.model_copy(update={**names, "epochs": 1, "max_steps": 2})
    events = execute(nuclei, settings, new_run(nuclei, settings))
    assert isinstance(events[-1], Finished)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [set(event.losses) for event in epochs] == [{"denoising", "supervised"}] * 4


def test_without_an_unlabeled_image_nothing_is_trained(tmp_path: Path, denoiseg: RunSettings) -> None:
    with (
        make_project(tmp_path, "nuclei-instances", images=6) as project,
        pytest.raises(ProjectError, match="denoiseg learns from unlabeled images, but there is none"),
    ):
        execute(project, denoiseg, new_run(project, denoiseg))
