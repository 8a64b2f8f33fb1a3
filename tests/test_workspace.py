"""What the user is doing, without a window."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.project.project import Project
from napari_imseg.workspace import FEW, Workspace, advice, read_counts, workspace_of

GENERATION = "r001-g0"


class Viewer:
    """Anything that can be hashed and weakly referenced."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for number in range(12):
        tifffile.imwrite(tmp_path / "images" / f"{number:02d}.tif", rng.integers(0, 255, (8, 8), np.uint8))
    with Project.create(tmp_path / "project", images=tmp_path / "images", task="semantic") as made:
        yield made


@pytest.fixture
def workspace(project: Project) -> Workspace:
    made = Workspace()
    made.open(project)
    return made


def ids(project: Project) -> list[str]:
    return [record.id for record in project.catalog.images()]


def upcoming(workspace: Workspace, count: int) -> list[str]:
    return [row.record.id for row in workspace.upcoming(count)]


def visit(workspace: Workspace, image_id: str) -> None:
    assert workspace.project is not None
    workspace.visit(workspace.project.catalog.image(image_id))


def test_assignments_are_told_once():
    workspace, told = Workspace(), []
    workspace.events.generation.connect(lambda new, old: told.append((new, old)))
    workspace.generation = "r001-g0"
    workspace.generation = "r001-g0"
    assert told == [("r001-g0", "")]


def test_every_viewer_has_its_own_and_takes_it_along():
    one, two = Viewer(), Viewer()
    assert workspace_of(one) is workspace_of(one)
    assert workspace_of(one) is not workspace_of(two)
    from weakref import ref

    left = ref(workspace_of(one))
    del one
    gc.collect()
    assert left() is None


def test_before_the_first_generation_the_queue_is_the_project(workspace, project):
    assert upcoming(workspace, 3) == ids(project)[:3]
    visit(workspace, ids(project)[0])
    assert upcoming(workspace, 2) == ids(project)[1:3]


def test_scores_order_the_queue(workspace, project):
    known = ids(project)
    project.catalog.set_scores(GENERATION, "im-size", {image: place for place, image in enumerate(known)})
    workspace.generation, workspace.ranking = GENERATION, "im-size"
    assert upcoming(workspace, 3) == known[:-4:-1]
    assert workspace.upcoming(1)[0].score == 11


def test_seen_images_come_again_only_when_nothing_else_is_left(workspace, project):
    for image_id in ids(project):
        visit(workspace, image_id)
    assert upcoming(workspace, 2) == ids(project)[:2]


def test_begun_images_come_before_untouched_ones_and_decided_ones_never(workspace, project):
    known = ids(project)
    project.catalog.record_labels({known[0]: "partial"}, 0, 0)  # imported
    project.catalog.record_labels({known[1]: "labeled"}, 0, 0)
    project.catalog.record_labels({known[2]: "rejected"}, 0, 0)
    for place in (5, 7):
        project.catalog.record_labels({known[place]: "partial"}, 0, 0, seconds=9)
    rest = [known[place] for place in (3, 4, 6, 8, 9, 10, 11)]
    assert upcoming(workspace, 20) == [known[5], known[7], *rest, known[0]]
    visit(workspace, known[7])  # and leaves it again
    visit(workspace, known[3])
    assert upcoming(workspace, 20) == [known[5], *rest[1:], known[0], known[7]]


def test_nothing_left(workspace, project):
    for image_id in ids(project):
        project.catalog.record_labels({image_id: "labeled"}, 0, 0)
    assert upcoming(workspace, 3) == []
    workspace.close()
    assert upcoming(workspace, 3) == []


def test_control_arm_hands_out_every_third_at_random_and_predictably(workspace, project):
    known = ids(project)
    workspace.control_every = 3
    first = upcoming(workspace, 9)
    assert upcoming(workspace, 9) == first
    assert len(set(first)) == 9
    ranked = [image for place, image in enumerate(first) if place % 3 != 2]
    assert ranked == [image for image in known if image in ranked]
    assert first != known[:9]


def test_what_is_read_ahead_is_what_comes(workspace):
    workspace.control_every = 2
    ahead = upcoming(workspace, 4)
    for image_id in ahead:
        assert upcoming(workspace, 1) == [image_id]
        visit(workspace, image_id)


def test_going_back(workspace, project):
    first, second, third = ids(project)[:3]
    assert workspace.back() is None
    for image_id in (first, second, third):
        visit(workspace, image_id)
    assert workspace.back() == second
    visit(workspace, second)
    assert workspace.back() == first


def test_closing_forgets_and_frees_the_project(workspace, project):
    visit(workspace, ids(project)[0])
    workspace.close()
    assert (workspace.project, workspace.image, workspace.counts) == (None, None, {})
    with pytest.raises(ValueError, match="closed"):
        project.catalog.count()


def test_advice_follows_the_loop(project):
    counts = read_counts(project)
    assert counts == {"unlabeled": 12, "partial": 0, "labeled": 0, "rejected": 0, "validation": 0}
    assert "Open a project" in advice({}, "", False)
    assert f"0 of {FEW}" in advice(counts, "", False)
    assert "keep labeling" in advice(counts, "", True)
    enough = {**counts, "unlabeled": 4, "labeled": 8}
    assert "train a first generation" in advice(enough, "", False)
    assert "4 images wait" in advice(enough, GENERATION, False)
    assert "1 image waits" in advice({**enough, "unlabeled": 1}, GENERATION, False)
    assert "7 images wait in the queue, 3 of them begun" in advice(
        {**enough, "partial": 3}, GENERATION, False
    )
    assert "finish" in advice({**enough, "unlabeled": 0, "partial": 3}, GENERATION, False)
    assert "results" in advice({**enough, "unlabeled": 0}, GENERATION, False)
