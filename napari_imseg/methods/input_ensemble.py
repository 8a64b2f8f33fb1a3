"""Input ensemble: one teacher looks at several augmented versions of an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from napari_imseg.core.disagreement import ensemble_label
from napari_imseg.core.morphology import erode
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import INPUT_ENSEMBLE_FULL, INPUT_ENSEMBLE_MODERATE, Views
from napari_imseg.method import Curator, Example, UnlabeledImage
from napari_imseg.settings import Settings, setting

SMALLEST = 5
"""Side of the square that a label must hold for the released code to keep it (one class)."""


class InputEnsembleSettings(Settings):
    """How often and how the teacher looks."""

    views: int = setting(3, "Augmented versions of each image (3, 5 or 7 in the paper).", ge=2, le=15)
    strength: Literal["moderate", "full"] = Field(
        "moderate", description="Strength of the augmentation; full is what the code does on ISIC."
    )
    rotation: bool = setting(
        True,
        "Also flip the versions vertically and turn them by right angles; off where images have an up and a "
        "down.",
    )
    reading: Literal["paper", "code"] = Field(
        "paper",
        description="paper: versions of the clean image, which is asked too. code: the clean image is never "
        "asked; with one class, every version is turned by 90, 180 or 270 degrees, and labels without an "
        "area of 5 x 5 pixels are dropped; otherwise each version is one of the version before, never "
        "flipped or turned, and there is one more (IM-09); values get brighter or darker last, and what "
        "gets darker than black becomes brighter instead (IM-14).",
    )


class InputEnsemble(Curator):
    """The best network looks at each image from several sides; the next ones learn all that it says.

    IE: unanimity of the views for one class or masks, the mean of the probabilities otherwise.
    """

    name = "input-ensemble"
    title = "Input ensemble"
    source = "Inconsistency Masks (IE)"
    aliases = ("IE",)
    tasks = frozenset(Task)
    Settings = InputEnsembleSettings
    asks_best_alone = True

    def views(self) -> Views:
        s, code = self.settings, self.settings.reading == "code"
        strength = INPUT_ENSEMBLE_MODERATE if s.strength == "moderate" else INPUT_ENSEMBLE_FULL
        chained = code and not self.problem.binary
        strength = replace(
            strength, rotation=s.rotation, below_black="code" if code else "clip", geometry=not chained
        )
        return Views(s.views + chained, strength, clean=not code, cumulative=chained, as_code=code)

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        unanimous = self.problem.binary or self.problem.task is Task.MULTILABEL
        label = ensemble_label(unlabeled.probabilities_K_C_H_W, self.problem, unanimous)
        if self.settings.reading == "code" and self.problem.binary and not erode(label > 0, SMALLEST).any():
            return []
        return [Example(unlabeled.image_C_H_W, label)]
