"""The card of a run: what was trained on what, in words."""

from __future__ import annotations

import re

import pytest

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from tests.engine.conftest import execute

JUDGING = {"evalnets": 1, "evalnets_trained": 2, "evalnet_alpha": 0.125, "evalnet_epochs": 1}


def told(project: Project, settings: RunSettings, run: str = "r001", **update: object) -> list[str]:
    """What the card says of each generation and of the EvalNets, after a run."""
    execute(project, settings.model_copy(update={"epochs": 1} | update))
    card = (project.folder / "runs" / run / "card.md").read_text(encoding="utf-8")
    return [line.removeprefix("- ") for line in card.splitlines() if line.startswith("- **")]


def test_augmented_labels_are_told(project: Project, quick: RunSettings) -> None:
    (first,) = told(project, quick, method="ALDT", method_settings={"copies": 3})
    assert "2 students learned from 4 labeled images, each with 3 augmented copies. The best 2" in first


def test_unlabeled_images_without_labels_are_told(project: Project, quick: RunSettings) -> None:
    first, second = told(project, quick, method="CL")
    assert "2 students learned from 4 labeled images. The best 2" in first
    assert (
        "learned from the labeled images and from 6 unlabeled ones as they are (Consistency loss)" in second
    )
    assert "starting from the weights of the best network of generation 0. The best" in second
    assert "teachers of generation 0 say" not in second
    _, second = told(project, quick, "r002", method="IM", objective="consistency-loss")
    assert "starting from the weights of the students before them. The" in second


def test_wider_students_do_not_start_from_those_before(project: Project, quick: RunSettings) -> None:
    _, second, third = told(project, quick, method="NS", generations=2, method_settings={"alpha_step": 0.125})
    assert "what the best teacher of generation 0 says of 6 unlabeled ones, starting from the we" in second
    assert "ones, starting anew, since they are wider than the students before them. The" in third


def test_students_of_another_kind_than_the_first_networks_start_anew(
    project: Project, quick: RunSettings
) -> None:
    execute(project, quick.model_copy(update={"method": "LDT", "epochs": 1, "alpha": 0.25}))
    _, second = told(project, quick, "r002", method="IM", first_run="r001")
    assert ", starting anew, since they are other networks than the students before them. The" in second


def test_versions_and_evalnets_are_told(project: Project, quick: RunSettings) -> None:
    own = JUDGING | {"foreground_filter": False, "lowest": 0.001, "highest": 0.001}
    first, judges, second = told(project, quick, method="AIM++", method_settings=own)
    assert "each with 9 augmented copies. The best" in first
    assert judges == (
        "**EvalNets:** 2 learned to judge masks from what the networks of generation 0 say of the labeled "
        "images; the best 1 judged together."
    )
    assert re.search(
        r"images, each with 9 augmented copies, and from what .* of 6 unlabeled ones, in 36 v", second
    )


@pytest.mark.parametrize("method", ["IE", "evalnet"])
def test_who_was_asked_is_told(project: Project, quick: RunSettings, method: str) -> None:
    execute(project, quick.model_copy(update={"method": "LDT", "epochs": 1}))
    own = JUDGING if method == "evalnet" else {}
    first, *judges, second = told(
        project, quick, "r002", method=method, first_run="r001", method_settings=own
    )
    assert "2 students, the networks of run r001, learned from 4 labeled images" in first
    who = "all students of generation 0 say" if own else "the best teacher of generation 0 says"
    assert f"from what {who} of" in second
    assert ["and 2 others that learned augmented copies of these, too, say" in line for line in judges] == [
        True
    ] * bool(own)
