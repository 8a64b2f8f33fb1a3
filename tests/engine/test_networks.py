"""Runs whose students are U-Nets with an EfficientNet encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.networks.nets import EfficientNetBN
from safetensors.torch import load_file, save_file

from napari_imseg.engine.events import Epoch, Failed, Finished
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.records import StudentRecord, read_record, record_path
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.trainer import work_on
from napari_imseg.engine.training import StopRequested
from napari_imseg.nets.flops import forward_flops
from napari_imseg.nets.header import read_header
from napari_imseg.nets.networks import new_network
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from tests.engine.conftest import after, execute, never
from tests.engine.test_generations import figures

B0 = "efficientnet-b0"


@pytest.fixture
def b0(quick: RunSettings) -> RunSettings:
    """A run of b0 whose weights hardly move."""
    still = {"learning_rate": 1e-9, "weight_decay": 0.0}
    return quick.model_copy(
        update={
            "network": B0,
            "epochs": 1,
            "min_steps": 1,
            "max_steps": 1,
            "averaging": 0.0,
            "objective_settings": still,
            "students": 1,
            "top_k": 1,
        }
        | {"method": "noisy-student", "method_settings": {"alpha_step": 0.0}}
    )


def encoder_of(path: Path) -> dict[str, torch.Tensor]:
    """Weights of the encoder of a member, without the statistics of its batch norms."""
    names = {name: name.partition("unet.encoder.")[2] for name in load_file(path)}
    return {
        name: value
        for whole, value in load_file(path).items()
        if (name := names[whole]) and "running" not in name and "num_batches" not in name
    }


def test_students_start_from_the_file_and_later_ones_from_those_before(
    project: Project, b0: RunSettings, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    trained = EfficientNetBN(B0, pretrained=False, in_channels=1).state_dict()
    save_file(trained, tmp_path / "b0.safetensors")
    events = execute(project, b0.model_copy(update={"weights": str(tmp_path / "b0.safetensors")}))
    assert isinstance(events[-1], Finished)
    run = project.folder / "runs" / "r001"
    for generation in (0, 1):
        path = run / "checkpoints" / f"g{generation}-s0.safetensors"
        assert read_header(path).kind == B0
        for name, value in encoder_of(path).items():
            torch.testing.assert_close(value, trained[name], rtol=0, atol=1e-6)
        record = read_record(StudentRecord, record_path(run / "checkpoints", generation, 0))
        assert record.forward_flops == forward_flops(new_network(B0, 1, 1, 1), (1, 1, 64, 64))
    assert f"`network` = {B0}" in (run / "card.md").read_text()
    assert not (run / "curated").exists()


def test_a_stopped_and_resumed_run_needs_the_file_no_more(
    project: Project, b0: RunSettings, tmp_path: Path
) -> None:
    path = tmp_path / "b0.safetensors"
    save_file(EfficientNetBN(B0, pretrained=False).state_dict(), path)
    settings = b0.model_copy(
        update={"weights": str(path), "objective_settings": {}, "epochs": 2, "generations": 0}
    )
    undisturbed = execute(project, settings)
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    with pytest.raises(StopRequested):
        list(Generations(project, run, settings, after(1)).events())
    path.unlink()
    resumed = list(Generations(project, run, settings, never).events())
    assert figures(resumed) == figures(undisturbed)
    assert [event.losses for event in resumed if isinstance(event, Epoch)][-1] == [
        event.losses for event in undisturbed if isinstance(event, Epoch)
    ][-1]


def test_a_file_that_does_not_fit_ends_the_run_in_a_sentence(
    project: Project, b0: RunSettings, tmp_path: Path
) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    settings = b0.model_copy(update={"weights": str(tmp_path / "x.safetensors")})
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    *_, last = work_on(run, never)
    assert isinstance(last, Failed)
    assert f"are not those of {B0}" in last.message
    assert not list(run.checkpoints.iterdir())


@pytest.mark.parametrize("method", ["noisy-student", "inconsistency-masks-plus"])
def test_students_that_should_get_wider_are_refused(project: Project, b0: RunSettings, method: str) -> None:
    growing = b0.model_copy(
        update={"method": method, "method_settings": {}, "generations": 2, "students": 2, "top_k": 2}
    )
    with pytest.raises(
        SettingsError, match=f"{method} students get wider .* {B0} has one width; set alpha_step=0"
    ):
        recipe_of(growing, project.problem)
    recipe_of(growing.model_copy(update={"network": "unet-1x1"}), project.problem)
    recipe_of(growing.model_copy(update={"method_settings": {"alpha_step": 0}}), project.problem)


def test_the_1x1_unet_starts_from_no_file(project: Project, quick: RunSettings) -> None:
    with pytest.raises(SettingsError, match="1x1 U-Net has none; choose network=efficientnet-b0"):
        recipe_of(quick.model_copy(update={"weights": "imagenet"}), project.problem)


def test_runs_of_earlier_versions_trained_the_1x1_unet(quick: RunSettings) -> None:
    values = quick.model_dump(mode="json", exclude={"network", "weights"})
    assert RunSettings.checked(values).network == "unet-1x1"
    with pytest.raises(SettingsError, match="network: expected one of unet-1x1, efficientnet-b0, "):
        RunSettings.checked({"network": "resnet"})
