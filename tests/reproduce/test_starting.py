"""Going on with a comparison: with the same options and images, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.comparisons import COMPARISONS
from napari_imseg.reproduce.starting import begin
from napari_imseg.reproduce.study import Study, Terms

IM = COMPARISONS["inconsistency-masks"]


def test_the_same_images_anywhere_or_none_go_on(study: Study, drawn: Path, tmp_path: Path) -> None:
    terms, moved = study.info.terms, tmp_path / "moved"
    shutil.copytree(drawn, moved)
    for data in (drawn, moved, None, tmp_path / "gone"):
        assert begin(study.out, data, IM, terms).info == study.info


def test_a_folder_by_its_relative_name(
    study: Study, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn.parent)
    made = begin(tmp_path / "again", Path(drawn.name), IM, study.info.terms)
    assert made.info == study.info


def test_images_do_not_take_the_place_of_drawn_ones(drawn: Path, tmp_path: Path) -> None:
    terms = Terms(IM.name, "smoke", 4, 1)
    begun = begin(tmp_path / "out", None, IM, terms)
    assert begin(tmp_path / "out", None, IM, terms).info == begun.info
    with pytest.raises(ProjectError, match="on other files than those"):
        begin(tmp_path / "out", drawn, IM, terms)


def test_other_images_or_classes_are_refused(study: Study, drawn: Path, tmp_path: Path) -> None:
    terms, fewer = study.info.terms, tmp_path / "fewer"
    shutil.copytree(drawn, fewer)
    next((fewer / "images").iterdir()).unlink()
    with pytest.raises(ProjectError, match=r"on other files than those that are in '.*fewer' now"):
        begin(study.out, fewer, IM, terms)
    with pytest.raises(ProjectError, match=r"with --classes class-1,class-2, not cell; give --out"):
        begin(study.out, drawn, IM, terms, ["cell"])
