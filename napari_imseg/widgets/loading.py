"""Everything that is shown of one image, read and prepared off the GUI thread; no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import INTERIOR, UNLABELED, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.records import find_generation, generation_path
from napari_imseg.project import masks
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.predictions import StoredPrediction
from napari_imseg.project.project import Project
from napari_imseg.project.records import ImageRecord
from napari_imseg.project.suggested import read_suggested

_SAMPLE: Final = 512
_MOST_ISLANDS: Final = 200
_SMALLEST_ISLAND: Final = 12


@dataclass(frozen=True)
class ShownPrediction:
    """What the teachers say of an image, ready for the layers.

    Attributes
    ----------
    pseudo_label
        (H, W); (C, H, W) of 0 and 1 for ``multilabel``. The smallest integer type that holds
        it, because napari draws small types much faster.
    im_H_W
        bool, where the teachers disagree.
    hatched_H_W
        The same as uint8: 1 on the stripes of the hatching, 2 between them, 0 elsewhere.
    im_fraction
        IM size as a fraction of the image.
    islands
        Bounding boxes of the connected parts of the IM that are worth a visit, largest first.
    generation
        Name of the generation; empty for a preview by the pixel classifier.
    watershed
        How a generation found objects in its probabilities; ``None`` if there are none to find.
    """

    pseudo_label: NDArray[np.integer[Any]]
    im_H_W: NDArray[np.bool_]
    hatched_H_W: NDArray[np.uint8]
    im_fraction: float
    islands: list[tuple[slice, slice]]
    generation: str
    watershed: WatershedOptions | None = None


@dataclass(frozen=True)
class Shown:
    """One image with its label and its prediction.

    Attributes
    ----------
    picture
        The image as napari draws it: (H, W), (H, W, 3) where ``rgb``, else (C, H, W).
    contrast
        Intensities drawn as black and as white.
    limits
        Smallest and largest intensity.
    label
        int32 (H, W), or (C, H, W) for ``multilabel``, with `UNLABELED`.
    suggested
        What of it a pixel classifier suggested, see `napari_imseg.project.suggested`.
    """

    record: ImageRecord
    picture: NDArray[Any]
    rgb: bool
    contrast: tuple[float, float]
    limits: tuple[float, float]
    label: NDArray[np.int32]
    suggested: NDArray[np.int32] | None
    prediction: ShownPrediction | None


def load(project: Project, image_id: str, generation: str) -> Shown:
    """Read an image, its label and what ``generation`` (may be empty) says of it."""
    record = project.catalog.image(image_id)
    image_C_H_W = project.read_image(image_id)
    label = project.read_label(image_id)
    rgb = record.shape[0] == 3 and image_C_H_W.dtype == np.uint8
    if rgb:
        picture = np.ascontiguousarray(image_C_H_W.transpose(1, 2, 0))
    else:
        picture = image_C_H_W[0] if len(image_C_H_W) == 1 else image_C_H_W
    return Shown(
        record=record,
        picture=picture,
        rgb=rgb,
        contrast=contrast(image_C_H_W),
        limits=limits(image_C_H_W),
        label=empty_label(project, record) if label is None else label,
        suggested=None if label is None else read_suggested(project.paths, image_id),
        prediction=load_prediction(project, image_id, generation),
    )


def load_prediction(project: Project, image_id: str, generation: str) -> ShownPrediction | None:
    """What a generation says of an image; ``None`` if it says nothing."""
    if not generation or not project.paths.prediction(generation, image_id).exists():
        return None
    stored = project.read_prediction(generation, image_id)
    if project.info.task is not Task.INSTANCES:
        return prepare(stored, generation, stored.pseudo_label_H_W)
    watershed = WatershedOptions()
    if generation_path(project, generation).exists():
        watershed = find_generation(project, generation).watershed
    return replace(prepare(stored, generation, objects(stored, watershed)), watershed=watershed)


def preview(
    project: Project, image_id: str, label: NDArray[np.int32], suggested: NDArray[np.int32] | None
) -> Iterator[ShownPrediction]:
    """What a pixel classifier says that learns from the strokes so far: a coarse look, then the whole."""
    # Not at the top: scikit-learn takes a second to import, and most sessions never need it.
    from napari_imseg.engine import suggestions

    instances = project.info.task is Task.INSTANCES
    for stored in suggestions.preview(project, image_id, label, suggested):
        label = objects(stored, WatershedOptions()) if instances else stored.pseudo_label_H_W
        yield prepare(stored, "", label)


def get_ready_to_preview(project: Project, image_id: str) -> None:
    """Do what the first preview of an image needs; after that it answers within a second."""
    from napari_imseg.engine import suggestions

    suggestions.get_ready(project, image_id)


def prepare(
    stored: StoredPrediction, generation: str, pseudo_label: NDArray[np.integer[Any]]
) -> ShownPrediction:
    """Hatch the inconsistency mask and find its islands."""
    return ShownPrediction(
        pseudo_label=pseudo_label.astype(np.min_scalar_type(int(pseudo_label.max(initial=0)))),
        im_H_W=stored.im_H_W,
        hatched_H_W=hatch(stored.im_H_W),
        im_fraction=float(stored.im_H_W.mean()),
        islands=_worth_a_visit(stored.im_H_W),
        generation=generation,
    )


def _worth_a_visit(im_H_W: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """The islands without those of a few pixels, which are noise and would make the tour endless."""
    from napari_imseg.core.regions import islands  # here, because it would make the dock open late

    largest = islands(im_H_W)[:_MOST_ISLANDS]
    return [box for box in largest if np.count_nonzero(im_H_W[box]) >= _SMALLEST_ISLAND]


def objects(stored: StoredPrediction, watershed: WatershedOptions) -> NDArray[np.int32]:
    """Objects with ids: networks know background, interior and boundary only."""
    from skimage.measure import label as label_components  # here, as above

    from napari_imseg.core.instances import watershed_instances

    if stored.probabilities_C_H_W is None:
        return np.asarray(label_components(stored.pseudo_label_H_W == INTERIOR), np.int32)
    return watershed_instances(stored.probabilities_C_H_W, **asdict(watershed))


def empty_label(project: Project, record: ImageRecord) -> NDArray[np.int32]:
    """A label in which nothing is labeled."""
    _, height, width = record.shape
    task = project.info.task
    shape = (project.problem.classes, height, width) if task is Task.MULTILABEL else (height, width)
    return np.full(shape, UNLABELED, np.int32)


def contrast(image_C_H_W: NDArray[Any]) -> tuple[float, float]:
    """Percentiles 0.1 and 99.8 of a sample of the finite pixels; never equal."""
    if image_C_H_W.dtype == np.uint8 and len(image_C_H_W) == 3:
        return 0.0, 255.0
    step = max(1, max(image_C_H_W.shape[1:]) // _SAMPLE)
    sample = image_C_H_W[:, ::step, ::step]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(sample, (0.1, 99.8)))
    return (low, high) if high > low else (low, low + 1.0)


def limits(image_C_H_W: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest finite intensity; never equal."""
    finite = image_C_H_W[np.isfinite(image_C_H_W)] if image_C_H_W.dtype.kind == "f" else image_C_H_W
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def hatch(im_H_W: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Diagonal stripes inside the mask, so that the IM is told by more than its colour.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W): 1 on a stripe, 2 between stripes, 0 outside.
    """
    height, width = im_H_W.shape
    stripe = max(2, max(height, width) // 160)
    row = (np.arange(height + width - 1) // stripe % 2 + 1).astype(np.uint8)
    diagonals_H_W = np.lib.stride_tricks.sliding_window_view(row, width)
    return np.asarray(np.multiply(diagonals_H_W, im_H_W, dtype=np.uint8))


class ShownCache:
    """The last few images that were read, those of the queue ahead of the user among them.

    Safe to use from several threads. Holds a handful of images, because one of 2048² takes
    about 30 MB with its layers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._version = 0

    def get(self, image_id: str, generation: str) -> Shown | None:
        """What was read earlier, if it is still there."""
        with self._lock:
            return self._kept.get((image_id, generation))

    def read(self, project: Project, image_id: str, generation: str) -> Shown:
        """`load`, or what was read earlier."""
        shown = self.get(image_id, generation)
        if shown is None:
            version = self._version
            shown = load(project, image_id, generation)
            with self._lock:
                # A label may have been written while this was read.
                if version == self._version:
                    self._kept[image_id, generation] = shown
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
        return shown

    def forget(self, image_id: str | None = None) -> None:
        """Forget an image (all of them by default), because something about it has changed."""
        with self._lock:
            self._version += 1
            for key in [key for key in self._kept if image_id in (None, key[0])]:
                del self._kept[key]


def with_label(shown: Shown, label: NDArray[np.int32]) -> Shown:
    """The same image with another label."""
    return replace(shown, label=label)


def read_version(project: Project, image_id: str, version: str) -> NDArray[np.int32]:
    """An earlier version of a label, by its name."""
    for known in project.label_history(image_id):
        if known.name == version:
            return masks.read_mask(known.path)
    raise ProjectError(f"the label of {image_id} has no version '{version}' any more")
