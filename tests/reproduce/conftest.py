"""A comparison that takes seconds: what it learns does not matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.reproduce.comparisons import COMPARISONS
from napari_imseg.reproduce.scale import Scale
from napari_imseg.reproduce.starting import begin
from napari_imseg.reproduce.study import Study, Terms
from napari_imseg.synthetic.dataset import write_dataset

IM = COMPARISONS["inconsistency-masks"]

TINY = Scale(
    "smoke",
    run={"generations": 1, "students": 2, "top_k": 2, "alpha": 0.125, "tile": 32, "batch_size": 2},
    method={"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.125, "evalnet_epochs": 1},
    repetitions=1,
    epochs_of_steps=1,
    steps=2,
)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``images/`` and ``labels/`` of 20 tiny blood cells: background, cytoplasm, nucleus."""
    folder = tmp_path_factory.mktemp("drawn")
    write_dataset("cells", folder, count=20, seed=3, shape=(48, 48))
    return folder


@pytest.fixture
def study(drawn: Path, tmp_path: Path) -> Study:
    """A comparison of 4 labeled, 10 unlabeled, 2 validation and 4 test images."""
    return begin(tmp_path / "out", drawn, IM, Terms("inconsistency-masks", "smoke", 4, 1))
