"""What networks cost: measured once in another process, remembered, told in a sentence."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_imseg.engine.network_costs import costs_here
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.costs import measure
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.unet import UNet1x1

SMALL = RunSettings(alpha=0.125, device="cpu")
B0 = SMALL.model_copy(update={"network": "efficientnet-b0"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What another process was asked; each network has a million weights, a microsecond a pixel."""
    commands: list[list[str]] = []

    def answer(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command[3:])
        costs = [{"weights": 1_000_000, "pixel_seconds": 1e-6} for _ in command[4:]]
        return subprocess.CompletedProcess(
            command, 0, "a library says hello\n" + json.dumps(costs) + "\n", ""
        )

    monkeypatch.setattr(subprocess, "run", answer)
    return commands


def test_a_step_is_measured_on_one_thread_and_draws_no_random_number() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    cost = measure("unet-1x1", 0.125, Hardware("cpu", "fp32", True, ""))
    assert torch.rand(1) == expected
    assert cost.weights == sum(weight.numel() for weight in UNet1x1(1, 1, 0.125).parameters())
    assert 0 < cost.pixel_seconds < 1e-3


def test_another_process_measures_once_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "deep" / "networks.json"
    (first,) = costs_here([SMALL], cache)
    assert first.startswith("0.011 million weights, about ")
    assert first.endswith("s a step on labels alone on a core here (4 crops of 128 x 128)")
    monkeypatch.setattr(subprocess, "run", None)
    assert costs_here([SMALL], cache) == [first]


def test_only_what_is_not_known_is_asked(tmp_path: Path, asked: list[list[str]]) -> None:
    cache = tmp_path / "networks.json"
    costs_here([SMALL], cache)
    told = costs_here([SMALL, B0, B0.model_copy(update={"alpha": 2.0, "batch_size": 4, "tile": 64})], cache)
    assert asked == [["cpu", "unet-1x1:0.125"], ["cpu", "efficientnet-b0:1"]]
    said = "1 million weights, about {} s a step on labels alone on a core here (4 crops of {} x {})"
    assert told[1:] == [said.format(0.066, 128, 128), said.format(0.016, 64, 64)]


def test_a_measurement_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Traceback\n  line\nMemoryError: none left\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(ValueError, match=r"could not be measured \(MemoryError: none left\)"):
        costs_here([SMALL], tmp_path / "networks.json")
