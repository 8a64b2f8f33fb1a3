"""Take over the labels of other programs, all of them or none."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from pathlib import Path
from uuid import uuid4

import numpy as np

from napari_imseg.core.problem import BACKGROUND, UNLABELED
from napari_imseg.project import foreign_labels, history
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.label_names import LabelFiles, find_labels, labels_by_id
from napari_imseg.project.masks import write_mask
from napari_imseg.project.paths import Paths, place_in_file
from napari_imseg.project.progress import Progress
from napari_imseg.project.records import ImageRecord, Split, State
from napari_imseg.project.wording import some


@dataclass
class Converted:
    """Label files that fit their images.

    Attributes
    ----------
    states
        ``labeled`` or ``partial`` by image id; the label lies as ``ID.tif`` in the staging folder.
    kept
        Images that already have a label, which were left out.
    used, unused
        Label files with and without an image.
    remarks
        Names of the files whose ids were changed, by how.
    background
        True if any label has a pixel of background.
    """

    states: dict[str, State] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    used: list[Path] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    background: bool = False

    def sentences(self) -> list[str]:
        """What a person might not expect."""
        told = []
        if self.unused:
            told.append(
                f"no image that can be read has the name of these label files: {some(self.unused)}; left out"
            )
        for remark, names in self.remarks.items():
            told.append(f"{remark}: {some(list(dict.fromkeys(names)))}")
        if self.kept:
            told.append(f"these images have a label already and kept it: {some(self.kept)}")
        return told


def import_labels(
    home: Path,
    paths: Paths,
    info: ProjectInfo,
    catalog: Catalog,
    folder: Path,
    warnings: list[str],
    progress: Progress,
    split: Split | None = None,
) -> int:
    """Read every label under ``folder`` that belongs to an image; see `Project.import_labels`.

    All are converted beside the labels first and moved in when every one has proved to fit.

    Parameters
    ----------
    home
        Where the paths of the catalog begin; ``paths`` lie elsewhere while a project is made.
    split
        The side of all of them; ``None`` to draw it.
    """
    with staging_in(paths.labels) as staging:
        done = convert(home, info, catalog, folder, staging, ("labeled", "partial"), progress)
        _move(done.states, staging, paths)
    catalog.record_labels(done.states, info.validation, info.seed, split=split)
    warnings += done.sentences()
    return len(done.states)


@contextmanager
def staging_in(parent: Path) -> Iterator[Path]:
    """A hidden folder, not made yet, that is gone when the block ends, however it ends."""
    staging = parent / f".importing-{uuid4().hex}"
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def convert(
    home: Path,
    info: ProjectInfo,
    catalog: Catalog,
    folder: Path,
    staging: Path,
    keeping: Sequence[State],
    progress: Progress,
    wanted: Collection[str] | None = None,
) -> Converted:
    """Read every label under ``folder`` that belongs to an image into ``staging``.

    Parameters
    ----------
    keeping
        Images of these states are left out.
    wanted
        Ids of the images whose labels are read; ``None`` for all.

    Raises
    ------
    ProjectError
        A label does not fit, or none belongs to an image.
    """
    images = {os.path.normpath(home / file.path) for file in catalog.files()}
    labels = {
        stem: kept
        for stem, found in find_labels(folder).items()
        if (kept := [path for path in found if str(path) not in images])  # both may lie in one folder
    }
    pairs = [
        replace(pair, wanted=[record for record in pair.wanted if wanted is None or record.id in wanted])
        for pair in _pairs(home, catalog, labels)
    ]
    done = _convert(info, [pair for pair in pairs if pair.wanted], staging, keeping, progress)
    if not done.used:
        raise ProjectError(f"no label file in '{folder}' has the name of an image of this project")
    used = set(done.used)
    done.unused = [path.name for found in labels.values() for path in found if path not in used]
    return done


@dataclass(frozen=True)
class _Pair:
    """A label file, the images that it covers, and those of them that are to have it."""

    label: Path
    covered: list[ImageRecord]
    wanted: list[ImageRecord]


def _convert(
    info: ProjectInfo,
    pairs: Sequence[_Pair],
    staging: Path,
    keeping: Sequence[State],
    progress: Progress,
) -> Converted:
    done = Converted()
    for pair in pairs:
        path = pair.label
        progress("reading labels", len(done.used) + 1, len(pairs))
        done.used.append(path)
        whole = foreign_labels.extent(pair.covered)
        stored = foreign_labels.read_label_file(path, math.prod(whole) * len(info.classes))
        for record in pair.wanted:
            if record.state in keeping:
                done.kept.append(record.id)
                continue
            label, remark = foreign_labels.label_of_image(stored, record, whole, info, path)
            if remark:
                done.remarks.setdefault(remark, []).append(path.name)
            done.background |= bool(np.any(label == BACKGROUND))
            done.states[record.id] = "partial" if np.any(label == UNLABELED) else "labeled"
            # Not synchronised one by one: an import that a power cut ends is done again.
            write_mask(
                staging / f"{record.id}.tif",
                label,
                description={"task": info.task.value, "image": record.id},
                durable=False,
            )
    return done


def _move(image_ids: Iterable[str], staging: Path, paths: Paths) -> None:
    try:
        for image_id in image_ids:
            history.archive(paths.label(image_id), paths.history(image_id))
            os.replace(staging / f"{image_id}.tif", paths.label(image_id))
    except OSError as error:
        raise ProjectError(
            f"labels could not be written into '{paths.labels}' ({reason(error)}); free some space or make "
            "the folder writable"
        ) from error


def _pairs(home: Path, catalog: Catalog, labels: dict[str, list[Path]]) -> Iterator[_Pair]:
    """Label files with their images: those of single planes and tiles, and those of whole image files."""
    records = catalog.images()
    path_of = {record.id: Path(os.path.normpath(home / record.path)) for record in records}
    place_of = {record.id: place_in_file(record.plane, record.tile) for record in records}
    parts = ((path_of[image_id], place) for image_id, place in place_of.items())
    files = LabelFiles(labels, chain(((path, "") for path in set(path_of.values())), parts))
    by_id = labels_by_id(path_of, labels)
    for path, group in groupby(records, key=lambda record: path_of[record.id]):
        of_file, without = list(group), []
        for record in of_file:
            own = files.of(path, place_of[record.id]) or by_id.get(record.id)
            if own is None:
                without.append(record)
            else:
                alone = replace(record, plane=None, tile=None)
                yield _Pair(own, [alone], [alone])
        whole = files.of(path) if without else None
        if whole is not None:
            yield _Pair(whole, of_file, without)
