"""A project: one folder with catalog, labels, predictions and runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem, Task
from napari_imseg.project import predictions
from napari_imseg.project.adding import add_images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.creation import Wishes, create
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.history import LabelVersion
from napari_imseg.project.importing import import_labels
from napari_imseg.project.info import Intensity, ProjectInfo, read_info
from napari_imseg.project.labels import Labels
from napari_imseg.project.locks import EditorLock
from napari_imseg.project.members import Members
from napari_imseg.project.paths import Paths
from napari_imseg.project.predictions import StoredPrediction
from napari_imseg.project.progress import Progress, silent
from napari_imseg.project.records import ImageRecord, Split, State
from napari_imseg.project.relinking import relink
from napari_imseg.project.sources import Sources
from napari_imseg.project.thumbnails import Thumbnails


class Project:
    """An open project; a context manager, safe to use from several threads.

    Every method that finds something amiss raises `ProjectError` with one sentence for
    people, and leaves what was on disk as it was.

    Attributes
    ----------
    folder
        Absolute path.
    info
        What is segmented, from ``project.toml``.
    catalog
        The images.
    paths
        Where files lie.
    members
        Masks of other tools.
    warnings
        Sentences about files that were left out or changed while adding.
    """

    def __init__(self, folder: Path, info: ProjectInfo, catalog: Catalog, lock: EditorLock | None) -> None:
        self.folder = folder
        self.paths = Paths(folder)
        self.info = info
        self.catalog = catalog
        self.warnings: list[str] = []
        self._lock = lock
        self._sources = Sources(folder, catalog)
        self._labels = Labels(self.paths, info, catalog)
        self.members = Members(self.paths, info, catalog)
        self._thumbnails = Thumbnails(self.paths.thumbnails)

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        images: Path | str | Sequence[Path | str],
        task: Task | str,
        classes: Sequence[str] = ("foreground",),
        labels: Path | str | None = None,
        validation: float = 0.15,
        group_by: str | None = None,
        seed: int = 0,
        name: str | None = None,
        intensity: Intensity | None = None,
        tile: int = 0,
        channels: int | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Make a project; it is complete, or there is none.

        Parameters
        ----------
        folder
            Made if it does not exist; must not hold a project.
        images
            A folder (subfolders included), a file, or several of these.
        task, classes
            What is to be segmented; names of the foreground classes, the first has id 1.
        labels
            Folder of label files with the names of their images.
        validation
            Share of the labeled images that is held back, 0 to 0.5.
        group_by
            Regular expression on the path of an image within ``images``; images with the same
            match (of its first group, if it has one) are never on both sides of a split.
            Planes and tiles of one file always are one group.
        seed
            Draws the validation images.
        name
            The folder's name if not given.
        intensity
            ``range`` for 8-bit colour and ``percentile`` for everything else if not given.
        tile
            Side of the squares that larger images are cut into; 0 = whole images.
        channels
            Those of most files if not given; 1 if all that are RGB are grey, which then is read as one.
        progress
            Is told how far the work is.
        """
        wishes = Wishes(task, classes, validation, group_by, seed, name, intensity, tile, channels)
        folder, warnings = create(Path(folder), images, labels, wishes, progress)
        project = cls.open(folder)
        project.warnings += warnings
        return project

    @classmethod
    def open(cls, folder: Path | str, *, exclusive: bool = False) -> Self:
        """Open a project.

        Parameters
        ----------
        exclusive
            Be the only program that edits it.
        """
        folder = Path(folder).expanduser().resolve()
        paths = Paths(folder)
        info = read_info(paths.info)
        lock = EditorLock(paths.editor_lock) if exclusive else None
        if lock is not None:
            lock.acquire()
        try:
            return cls(folder, info, Catalog(paths.catalog), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Close the catalog and free the lock; may be called twice."""
        self.catalog.close()
        self._thumbnails.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def problem(self) -> Problem:
        """Task, channels and classes as methods and networks see them."""
        return self.info.problem

    # Images

    def add_images(self, paths: Path | str | Sequence[Path | str], *, progress: Progress = silent) -> int:
        """Add files and folders; returns how many images are new.

        What cannot be read, or has other channels, is left out with a sentence in `warnings`.
        """
        return add_images(self.folder, self.info, self.catalog, paths, self.warnings, progress)

    def relink(self, folder: Path | str) -> int:
        """Find missing and changed files again under ``folder``; returns how many were found.

        By fingerprint first; then by name, which accepts the file as it is now if its images
        have the same size.
        """
        return relink(self.folder, self.catalog, self._sources, Path(folder), self.warnings)

    def missing(self) -> list[str]:
        """Paths of image files that are gone or have changed; looks at every file."""
        return self._sources.missing()

    def read_image(self, image_id: str) -> NDArray[Any]:
        """The image (C, H, W) in the type of its file."""
        return self._sources.read(self.catalog.image(image_id))

    def network_image(self, image_id: str, *, finite: bool = False) -> NDArray[np.float32]:
        """The image as networks see it: float32 (C, H, W) in [0, 1].

        A tile is normalised as its whole plane is, so it looks as it does within it, and the noise of a
        tile without objects stays small.

        Parameters
        ----------
        finite
            Refuse an image that holds nothing but NaN and infinity, which would be black.
        """
        record, how = self.catalog.image(image_id), self.info.intensity
        image = self._sources.read(record)
        if finite and image.dtype.kind == "f" and not np.isfinite(image).any():
            raise ProjectError(
                f"'{record.path}' holds no finite pixel, only NaN or infinity; export it again, or reject it"
            )
        return self._sources.normalised(record, image, how)

    def thumbnail(self, image_id: str, size: int = 96) -> NDArray[np.uint8]:
        """A small picture, uint8 (H, W, 3), no larger than ``size`` on either side."""
        record = self.catalog.image(image_id)
        return self._thumbnails.picture(record, size, lambda: self._sources.read(record))

    # Labels

    def labeled(self, split: Split | None = None) -> list[ImageRecord]:
        """Images with a label, complete or in part, of one side of the split or of both."""
        return self.catalog.images(("labeled", "partial"), split)

    def unlabeled(self) -> list[ImageRecord]:
        """Images that nobody has labeled or rejected."""
        return self.catalog.images("unlabeled")

    def label_path(self, image_id: str) -> Path:
        """The label file of an image, whether it exists or not."""
        return self.paths.label(image_id)

    def read_label(self, image_id: str) -> NDArray[np.int32] | None:
        """The label: int32 (H, W) with `UNLABELED`, (C, H, W) for ``multilabel``; ``None`` without one."""
        return self._labels.read(image_id)

    def write_label(
        self,
        image_id: str,
        label: NDArray[Any],
        *,
        state: State = "labeled",
        seconds: float | None = None,
    ) -> None:
        """Keep what a person confirmed; the earlier label goes to the history.

        Parameters
        ----------
        label
            (H, W) of class or instance ids, `UNLABELED` where nobody decided; (C, H, W) of
            0 and 1 for ``multilabel``.
        state
            ``partial`` while the person is at work, ``labeled`` when they are done.
        seconds
            Time they spent, added to what the catalog knows.
        """
        self._labels.write(image_id, np.asarray(label), state, seconds or 0.0)

    def label_history(self, image_id: str) -> list[LabelVersion]:
        """Earlier versions of a label, newest first."""
        return self._labels.history(image_id)

    def restore_label(self, image_id: str, version: str | LabelVersion) -> NDArray[np.int32]:
        """Make an earlier version the label again; the present one goes to the history."""
        return self._labels.restore(image_id, version if isinstance(version, str) else version.name)

    def import_labels(
        self, folder: Path | str, *, split: Split | None = None, progress: Progress = silent
    ) -> int:
        """Take over labels of other programs; returns how many images got one.

        Files belong to the image of the same name. An image that has a label keeps it.

        Parameters
        ----------
        split
            The side on which all of them are that have none yet; drawn if not given.
        """
        return import_labels(
            self.folder, self.paths, self.info, self.catalog, Path(folder), self.warnings, progress, split
        )

    # Predictions

    def read_prediction(self, generation_name: str, image_id: str) -> StoredPrediction:
        """What the networks of a generation say of an image."""
        paths = self.paths
        return predictions.read(
            paths.prediction(generation_name, image_id), paths.probabilities(generation_name, image_id)
        )

    def write_prediction(
        self,
        generation_name: str,
        image_id: str,
        pseudo_label_H_W: NDArray[np.int32],
        im_H_W: NDArray[np.bool_],
        probabilities_C_H_W: NDArray[np.float32] | None = None,
    ) -> None:
        """Keep what the networks of a generation say of an image."""
        paths = self.paths
        predictions.write(
            paths.prediction(generation_name, image_id),
            paths.probabilities(generation_name, image_id),
            StoredPrediction(pseudo_label_H_W, im_H_W, probabilities_C_H_W),
        )
