"""The queue tells how good each suggestion probably is, whatever the method."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.core import judging
from napari_imseg.core.judging import JudgingSettings
from napari_imseg.engine import recipe
from napari_imseg.engine.events import Finished
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.settings import SettingsError
from tests.engine.conftest import make_project

SMALL = JudgingSettings(evalnets=1, evalnets_trained=1, evalnet_alpha=0.25, evalnet_epochs=1)


@pytest.fixture(autouse=True)
def small_evalnets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of minutes."""
    assert recipe.QUALITY is judging.QUALITY
    monkeypatch.setattr(recipe, "QUALITY", SMALL)


def scores(project: Project, settings: RunSettings, generation: str) -> dict[str, float]:
    """Of the ranking by predicted quality, after a run."""
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    events = list(Generations(project, run, settings, lambda: False).events())
    assert isinstance(events[-1], Finished)
    return project.catalog.scores(f"{run.name}-{generation}", "predicted-quality")


@pytest.mark.parametrize(
    ("kind", "method", "settings"),
    [
        ("nuclei", "supervised", {}),
        ("cells", "inconsistency-masks", {}),
        ("brightfield-alive-dead", "inconsistency-masks", {}),
        ("touching", "supervised", {}),
        (
            "nuclei",
            "IM++",
            {"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.25, "evalnet_epochs": 1},
        ),
        (
            "cells",
            "evalnet",
            {"evalnets": 1, "evalnets_trained": 1, "evalnet_alpha": 0.25, "evalnet_epochs": 1},
        ),
    ],
)
def test_every_unlabeled_image_is_judged(
    tmp_path: Path, quick: RunSettings, kind: str, method: str, settings: dict[str, float]
) -> None:
    with make_project(tmp_path, kind) as project:
        own = bool(settings)  # its own EvalNets, which judge for the queue, too
        wanted = quick.model_copy(
            update={"method": method, "method_settings": settings, "predicted_quality": not own}
        )
        found = scores(project, wanted, "g0" if method == "supervised" else "g1")
        assert set(found) == {record.id for record in project.unlabeled()}
        assert all(0 <= score <= 1 for score in found.values())
        assert len(set(found.values())) > 1


def test_it_costs_nothing_unless_it_is_wanted(project: Project, quick: RunSettings) -> None:
    assert scores(project, quick.model_copy(update={"method": "supervised"}), "g0") == {}
    assert not list((project.folder / "runs" / "r001" / "checkpoints").glob("judge*"))


def test_without_networks_there_is_nothing_to_learn_from(project: Project, quick: RunSettings) -> None:
    settings = quick.model_copy(update={"method": "pixel-classifier", "predicted_quality": True})
    with pytest.raises(SettingsError, match="predicted_quality learns from the mistakes of networks"):
        scores(project, settings, "g0")
    settings = quick.model_copy(update={"first_teachers": ("a", "b"), "predicted_quality": True})
    with pytest.raises(SettingsError, match="masks of other tools cannot do"):
        scores(project, settings, "g0")
