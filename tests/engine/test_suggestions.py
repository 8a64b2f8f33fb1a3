"""The first preview: a pixel classifier that learns from the strokes on screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_imseg.core.problem import UNLABELED
from napari_imseg.engine import suggestions
from napari_imseg.engine.suggestions import preview
from napari_imseg.project.project import Project
from napari_imseg.project.suggested import write_suggested
from tests.engine.conftest import make_project


def test_strokes_of_two_classes_give_a_pseudo_label(tmp_path: Path) -> None:
    with make_project(tmp_path, labeled=0) as project:
        first = project.unlabeled()[0]
        image = project.network_image(first.id)[0]
        label = np.full(image.shape, UNLABELED, np.int32)
        assert not list(preview(project, first.id, label))
        label[image > 0.8] = 1
        assert not list(preview(project, first.id, label))
        label[image < 0.2] = 0

        (answer,) = preview(project, first.id, label)

    painted = label != UNLABELED
    assert (answer.pseudo_label_H_W[painted] == label[painted]).mean() > 0.95
    assert not answer.im_H_W.any()


def test_labels_of_other_images_help(project: Project) -> None:
    first = project.unlabeled()[0]
    nothing = np.full(first.shape[1:], UNLABELED, np.int32)
    (answer,) = preview(project, first.id, nothing)
    assert set(np.unique(answer.pseudo_label_H_W)) == {0, 1}


def test_what_was_only_accepted_teaches_nothing(tmp_path: Path) -> None:
    with make_project(tmp_path, labeled=0) as project:
        first, second = project.unlabeled()[:2]
        image = project.network_image(first.id)[0]
        strokes = np.full(image.shape, UNLABELED, np.int32)
        strokes[image > 0.8], strokes[image < 0.2] = 1, 0
        (before,) = preview(project, first.id, strokes)
        accepted = np.where(strokes == UNLABELED, before.pseudo_label_H_W, strokes)
        suggested = np.where(strokes == UNLABELED, accepted, UNLABELED)
        (after,) = preview(project, first.id, accepted, suggested)
        np.testing.assert_array_equal(after.pseudo_label_H_W, before.pseudo_label_H_W)

        nothing = np.full(image.shape, UNLABELED, np.int32)
        project.write_label(first.id, strokes)
        (before,) = preview(project, second.id, nothing)
        project.write_label(first.id, accepted)
        write_suggested(project.paths, first.id, suggested)
        (after,) = preview(project, second.id, nothing)
        np.testing.assert_array_equal(after.pseudo_label_H_W, before.pseudo_label_H_W)

        write_suggested(project.paths, first.id, accepted)  # nobody painted anything
        assert not list(preview(project, second.id, nothing))
        project.write_label(first.id, 1 - accepted)  # and then all of it was corrected
        (after,) = preview(project, second.id, nothing)
        assert (after.pseudo_label_H_W != before.pseudo_label_H_W).mean() > 0.9


def test_a_large_image_gets_a_coarse_look_first(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "FIRST_LOOK", 64 * 64 // 16)
    first = project.unlabeled()[0]
    nothing = np.full(first.shape[1:], UNLABELED, np.int32)
    coarse, whole = (answer.pseudo_label_H_W for answer in preview(project, first.id, nothing))
    assert (coarse == coarse[::4, ::4].repeat(4, axis=0).repeat(4, axis=1)).all()
    assert (coarse[::4, ::4] == whole[::4, ::4]).mean() > 0.95  # fewer trees
    assert (coarse != whole).any()


def test_the_preview_needs_no_torch() -> None:
    code = "import sys, napari_imseg.engine.suggestions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
