"""Begin a comparison, or go on with the one that is in the folder already."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from napari_imseg.project.errors import ProjectError
from napari_imseg.reproduce.comparison import Comparison
from napari_imseg.reproduce.study import Study, Terms

DRAWN: Final = "drawn"
"""`Terms.files` of images that were drawn for the comparison."""


def begin(
    out: Path, data: Path | None, comparison: Comparison, terms: Terms, classes: Sequence[str] = ()
) -> Study:
    """The comparison in ``out``; prepared now if there is none.

    Raises
    ------
    ProjectError
        There is another one, the folder holds something else, or the data does not do.
    """
    if data is not None and data.is_dir():
        data = data.resolve()
        terms = replace(terms, files=fingerprint(data))
    study = Study.open(out)
    if study is not None:
        _check_same(study, terms)
        _check_data(study, data, terms, classes)
        _check_settings(study, comparison)
        return study
    if data is None and terms.scale != "smoke":
        raise ProjectError(f"scale {terms.scale} needs images; give their folder with --data")
    if data is not None and not data.is_dir():
        raise ProjectError(f"'{data}' is not a folder; give the folder of the data with --data")
    _make_room(out)
    with tempfile.TemporaryDirectory() as scratch:
        if data is None:
            data = comparison.write_drawn(Path(scratch))
            terms = replace(terms, files=DRAWN)
        return Study.prepare(out, *comparison.read(data, classes, terms), terms, comparison.all_settings)


def fingerprint(folder: Path) -> str:
    """What tells one data set from another: a hash of the names and sizes of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_same(study: Study, terms: Terms) -> None:
    """Figures of different comparisons must not meet in one table."""
    begun = study.info.terms
    for name, known, asked in (
        ("comparison", begun.comparison, terms.comparison),
        ("--scale", begun.scale, terms.scale),
        ("--labeled", begun.labeled, terms.labeled),
        ("--seed", begun.seed, terms.seed),
        ("--weights", begun.weights or "none", terms.weights or "none"),
        ("--group-by", begun.group_by or "none", terms.group_by or "none"),
    ):
        if known != asked:
            raise ProjectError(
                f"'{study.out}' holds a comparison with {name} {known}, not {asked}; "
                "give --out a new folder, or the same options to go on"
            )


def _check_data(study: Study, data: Path | None, terms: Terms, classes: Sequence[str]) -> None:
    """Nor figures of other images; data that is gone is not missed."""
    if study.info.files and terms.files and study.info.files != terms.files:
        raise ProjectError(
            f"'{study.out}' holds a comparison on other files than those that are in '{data}' now; "
            "give --out a new folder, or the same data to go on"
        )
    if classes and tuple(classes) != study.info.classes:
        raise ProjectError(
            f"'{study.out}' holds a comparison with --classes {','.join(study.info.classes)}, not "
            f"{','.join(classes)}; give --out a new folder, or the same options to go on"
        )


def _check_settings(study: Study, comparison: Comparison) -> None:
    """Nor figures of settings that another version of napari-imseg has changed."""
    begun, now = study.info.settings, comparison.all_settings(study)
    changed = [
        f"{approach}, {name}"
        for approach in begun.keys() & now.keys()
        for name in begun[approach].keys() | now[approach].keys()
        if begun[approach].get(name) != now[approach].get(name)
    ]
    if changed or not begun:
        raise ProjectError(
            f"'{study.out}' holds a comparison that another version began with other settings "
            f"({min(changed, default='not known')}); give --out a new folder, or go on with that version"
        )


def _make_room(out: Path) -> None:
    """Make the folder; remove what a preparation left that was killed."""
    if out.is_file():
        raise ProjectError(f"'{out}' is a file; give --out a folder")
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(".preparing-*"):
        shutil.rmtree(left)
    if any(out.iterdir()):
        raise ProjectError(f"'{out}' is not empty and holds no comparison; give --out a new folder")
