"""The file from which an interrupted training goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_imseg.engine.checkpoints import load_state, save_state
from napari_imseg.project.errors import ProjectError


@pytest.mark.parametrize("kept", [0, 4, 200])
def test_a_damaged_file_is_told_and_nothing_is_unpickled(tmp_path: Path, kept: int) -> None:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    path = tmp_path / "g0-s0.resume"
    save_state(path, {"network": network}, optimizer, {"epoch": 3})
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ProjectError, match=r"g0-s0\.resume' is damaged .*; delete it and resume"):
        load_state(path, {"network": network}, optimizer)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_fused_optimizer_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, layout: torch.memory_format
) -> None:
    def weights_after(resumed: bool) -> torch.Tensor:
        torch.manual_seed(0)
        network = nn.Conv2d(3, 4, 3).to(memory_format=layout)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, fused=True)
        images = torch.rand(2, 3, 8, 8)
        for step in range(6):
            if resumed and step == 3:
                save_state(tmp_path / "resume", {"network": network}, optimizer, {})
                load_state(tmp_path / "resume", {"network": network}, optimizer)
            optimizer.zero_grad()
            network(images).square().mean().backward()
            optimizer.step()
        return network.weight.detach()

    torch.testing.assert_close(weights_after(True), weights_after(False), rtol=0, atol=0)
