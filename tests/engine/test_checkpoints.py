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
