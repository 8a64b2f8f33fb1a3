"""EvalNet: networks that judge masks choose the best candidate of every image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.evalnet_scores import best_candidate
from napari_imseg.core.growth import ScheduleSettings
from napari_imseg.core.judging import JudgingSettings
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import AUGMENTED_COPIES
from napari_imseg.method import Curator, Example, UnlabeledImage, augmented_copies
from napari_imseg.settings import setting


class EvalNetSettings(JudgingSettings, ScheduleSettings):
    """The EvalNets, how good a mask must be, and the augmentation of what compared networks learn."""

    threshold: float = setting(
        0.0,
        "Expected IoU that a mask needs to be learned; 0 = a validation score of the networks that learned "
        "augmented labels, see threshold_from.",
        ge=0,
        le=1,
        step=0.01,
        zero="a validation score",
    )
    threshold_from: Literal["lowest", "highest"] = Field(
        "lowest",
        description="Which of these scores: the lowest as in the paper, or the highest as mostly in its code "
        "(IM-05).",
    )


class EvalNetCurator(Curator):
    """Networks that judge masks choose the best of all suggestions for an image; for dozens of labels.

    The candidates of an image are what all students say, and what was chosen before.
    """

    name = "evalnet"
    title = "EvalNet"
    source = "Inconsistency Masks (EvalNet)"
    aliases = ()
    tasks = frozenset(Task)
    Settings = EvalNetSettings
    settings: EvalNetSettings
    judge_of = "masks"
    asks_all_students = True

    def compared_set(self, labeled: Sequence[Example]) -> list[Example]:
        """EvalNets also judge networks that learned augmented labels (ALDT)."""
        *_, strongest = self.settings.strengths([example.image_C_H_W for example in labeled])
        return [*labeled, *augmented_copies(labeled, strongest, AUGMENTED_COPIES)]

    def least_steps(self, images: int, batch_size: int) -> int:
        """A third of those for all images, since few may be chosen (IM-06)."""
        return images // batch_size // 3

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        judge, image = unlabeled.judge, unlabeled.image_C_H_W
        assert judge is not None
        before = [] if unlabeled.previous is None else [unlabeled.previous.target_H_W]
        masks = [*hard_labels(unlabeled.probabilities_K_C_H_W, self.problem), *before]
        threshold = self.settings.threshold or unlabeled.limits[self.settings.threshold_from == "highest"]
        chosen = best_candidate([judge.score(image, mask) for mask in masks], threshold)
        if chosen is None:  # what was chosen before stays until something better is found
            return [Example(image, mask) for mask in before]
        return [Example(image, masks[chosen])]
