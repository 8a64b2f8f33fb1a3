"""What a person is told before and after a run."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_imseg.engine.events import Finished, Note
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run


def told(project: Project, settings: RunSettings) -> tuple[str, Finished]:
    """All notes of a run, and its end."""
    run = Run.create(project.folder, settings.model_dump(mode="json"))
    events = list(Generations(project, run, settings, lambda: False).events())
    assert isinstance(events[-1], Finished)
    return "\n".join(event.message for event in events if isinstance(event, Note)), events[-1]


@pytest.mark.parametrize("value", [7.0, np.nan, np.inf])
def test_an_image_that_is_the_same_everywhere_is_named(
    project: Project, quick: RunSettings, value: float
) -> None:
    record = project.labeled("train")[0]
    tifffile.imwrite(project.folder / record.path, np.full(record.shape[-2:], value, np.float32))
    notes, _ = told(project, quick.model_copy(update={"method": "supervised"}))
    assert f"1 labeled images are the same everywhere (of one value, or not numbers): {record.path}" in notes


def test_a_run_whose_later_generations_are_worse_says_what_to_try(
    project: Project, quick: RunSettings
) -> None:
    for seed in range(4):
        notes, end = told(project, quick.model_copy(update={"seed": seed, "epochs": 1}))
        said = "later generations were not better (iou " in notes
        assert said == (end.best_generation == 0)
        if said:
            assert "generation 0 is used" in notes
            assert "left-out" in notes
            return
    pytest.fail("the first generation was never the best one")
