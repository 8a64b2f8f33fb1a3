"""The first preview: a pixel classifier that answers within a second of the first strokes.

No torch here: the viewer calls this in a thread of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.problem import UNLABELED, Task
from napari_imseg.engine.training_set import target_of
from napari_imseg.method import Example
from napari_imseg.methods.pixel_classifier import PixelClassifier
from napari_imseg.nets.forest import features_of, remembers
from napari_imseg.project.predictions import StoredPrediction
from napari_imseg.project.project import Project
from napari_imseg.project.suggested import read_suggested, without_suggested

OTHER_IMAGES = 4
"""Labeled images that the preview learns from beside the one on screen."""

FIRST_LOOK, FIRST_TREES = 2**16, 25
"""About this many pixels are classified first, by a small forest; the whole answer follows."""


def get_ready(project: Project, image_id: str) -> None:
    """Look at the image on screen before the first stroke, so that the first preview is fast."""
    image, largest_sigma = project.network_image(image_id), PixelClassifier.Settings().largest_sigma
    if remembers(image, largest_sigma):
        features_of(image, largest_sigma)


def preview(
    project: Project, image_id: str, label: NDArray[np.int32], suggested: NDArray[np.int32] | None = None
) -> Iterator[StoredPrediction]:
    """What a pixel classifier says of the image on screen, given the strokes so far.

    It learns from ``label`` and from a few other labeled images of the project, but not from what it said
    itself and a person only accepted. There is no ensemble, so the inconsistency mask is empty.

    Parameters
    ----------
    label
        The label as it is in the viewer, saved or not, with `UNLABELED`.
    suggested
        What was accepted in it, see `napari_imseg.project.suggested`.

    Yields
    ------
    StoredPrediction
        A coarse first look if the image is large, then the whole answer; nothing as long as
        fewer than two classes are labeled: there is nothing to tell apart.
    """
    problem = project.problem
    image = project.network_image(image_id)
    own = without_suggested(label, suggested)
    examples = [Example(image, target_of(own, problem), image_id), *_others(project, image_id)]
    if not _tells_apart(examples):
        return
    whole, coarse = PixelClassifier.Settings(), math.isqrt(image[0].size // FIRST_LOOK)
    looks = [(whole.model_copy(update={"trees": FIRST_TREES}), coarse)] if coarse > 1 else []
    for settings, step in [*looks, (whole, 1)]:
        forest = PixelClassifier(settings, problem).fit(examples, seed=0)
        probabilities = forest.probabilities(image[None], step)[0]
        yield StoredPrediction(
            pseudo_label_H_W=hard_labels(probabilities[None], problem)[0].astype(np.int32),
            im_H_W=np.zeros(image.shape[1:], bool),
            probabilities_C_H_W=probabilities if problem.task is Task.INSTANCES else None,
        )


def _others(project: Project, image_id: str) -> Iterator[Example]:
    """The first labeled images besides this one."""
    others = [record.id for record in project.labeled("train") if record.id != image_id]
    for other in others[:OTHER_IMAGES]:
        label = project.read_label(other)
        if label is not None:
            own = without_suggested(label, read_suggested(project.paths, other))
            yield Example(project.network_image(other), target_of(own, project.problem), other)


def _tells_apart(examples: list[Example]) -> bool:
    classes = {int(value) for example in examples for value in np.unique(example.target_H_W)}
    return len(classes - {UNLABELED}) > 1
