"""Whether images with larger inconsistency masks are those with worse pseudo-labels."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scipy.stats import spearmanr

from napari_imseg.core.metrics import Empty
from napari_imseg.engine.evaluation import metrics_of_label
from napari_imseg.project.masks import read_mask
from napari_imseg.project.project import Project

RANKING: Final = "im-relative"
FEWEST: Final = 3
"""Images without which a correlation says nothing."""


def ranking_quality(
    project: Project, generation: str, truth: Path, metric: str, empty: Empty
) -> float | None:
    """Spearman correlation of relative IM size and 1 - a metric of pseudo-labels, over the unlabeled images.

    Parameters
    ----------
    generation
        Name of one that has predicted the unlabeled images.
    truth
        Folder of their true labels, ``<name of the image>.tif``, which nothing else may see.
    metric
        Higher is better.
    empty
        What an image scores in which there is nothing to find and nothing was found.

    Returns
    -------
    float or None
        ``None`` if fewer than three images have a score, or if all scores or all errors are equal.
    """
    sizes = project.catalog.scores(generation, RANKING)
    errors = {}
    for image_id in sizes:
        name = Path(project.catalog.image(image_id).path).stem
        said = project.read_prediction(generation, image_id).pseudo_label_H_W
        found = metrics_of_label(project.problem, read_mask(truth / f"{name}.tif"), said, empty)
        if metric in found:
            errors[image_id] = 1 - found[metric]
    known = [sizes[image_id] for image_id in errors]
    if len(known) < FEWEST or len(set(known)) == 1 or len(set(errors.values())) == 1:
        return None
    return float(spearmanr(known, list(errors.values())).statistic)
