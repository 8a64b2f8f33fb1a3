"""What is known of an image: the label where there is one, the pseudo-label elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.instance_ids import joined
from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.problem import BACKGROUND, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.engine.validation import has_labels
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.records import ImageRecord

Source = Literal["label", "label and pseudo-label", "pseudo-label"]


@dataclass(frozen=True)
class Segmentation:
    """What is known of one image.

    Attributes
    ----------
    mask_H_W
        int32 class or instance ids; (C, H, W) of 0 and 1 for ``multilabel``. Never negative:
        where nobody decided it is 0, as background is.
    source
        Who said so; ``label and pseudo-label`` if the label covers a part of the image.
    im_H_W
        Where the networks disagree on what comes from them; ``None`` if nothing does.
    unlabeled_pixels
        Pixels that are 0 because no person labeled them and no network predicted them.
    """

    mask_H_W: NDArray[np.int32]
    source: Source
    im_H_W: NDArray[np.bool_] | None = None
    unlabeled_pixels: int = 0


def segmentation_of(
    project: Project,
    record: GenerationRecord | None,
    image: ImageRecord,
    watershed: WatershedOptions | None = None,
) -> Segmentation | None:
    """The segmentation of one image; ``None`` if there is neither a label nor a pseudo-label.

    Parameters
    ----------
    record
        Generation whose predictions are used; ``None`` for labels alone.
    watershed
        How objects are found in predictions; ``None`` for the way of the generation.

    Raises
    ------
    ProjectError
        A label or a prediction is damaged.
    """
    label = project.read_label(image.id) if image.state in ("partial", "labeled") else None
    if label is not None and not has_labels(label):
        label = None
    if label is not None and (label >= 0).all():
        return Segmentation(label, "label")
    predicted = _predicted(project, record, image.id, watershed)
    if label is None or predicted is None:
        return predicted if label is None else _label_alone(label)
    return _merged(label, predicted, project.problem.task)


def _predicted(
    project: Project, record: GenerationRecord | None, image_id: str, watershed: WatershedOptions | None
) -> Segmentation | None:
    """What the networks say, if they have seen the image."""
    if record is None or not project.paths.prediction(record.name, image_id).exists():
        return None
    stored = project.read_prediction(record.name, image_id)
    if project.problem.task is not Task.INSTANCES:
        return Segmentation(stored.pseudo_label_H_W, "pseudo-label", stored.im_H_W)
    if stored.probabilities_C_H_W is None:
        raise ProjectError(
            f"generation {record.name} kept no probabilities of '{image_id}'; choose a newer generation"
        )
    found = watershed_instances(stored.probabilities_C_H_W, **asdict(watershed or record.watershed))
    return Segmentation(found, "pseudo-label", stored.im_H_W)


def _label_alone(label: NDArray[np.int32]) -> Segmentation:
    unlabeled = int(np.count_nonzero(_open(label)))
    return Segmentation(np.maximum(label, BACKGROUND), "label", unlabeled_pixels=unlabeled)


def _merged(label: NDArray[np.int32], predicted: Segmentation, task: Task) -> Segmentation:
    """The label, and the pseudo-label where nothing is labeled."""
    open_H_W, pseudo = _open(label), predicted.mask_H_W
    if task is Task.INSTANCES:
        pseudo = joined(pseudo, label)
    im = None if predicted.im_H_W is None else predicted.im_H_W & open_H_W
    return Segmentation(np.where(label < 0, pseudo, label), "label and pseudo-label", im)


def _open(label: NDArray[np.int32]) -> NDArray[np.bool_]:
    """True (H, W) where nobody has decided, in any mask for ``multilabel``."""
    return np.asarray((label < 0).reshape(-1, *label.shape[-2:]).any(axis=0))
