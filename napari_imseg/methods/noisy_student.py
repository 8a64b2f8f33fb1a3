"""Noisy student: the best teacher labels clean images, wider students learn augmented ones."""

from __future__ import annotations

from collections.abc import Sequence

from napari_imseg.core.disagreement import hard_labels
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.problem import Task
from napari_imseg.core.strength import of_generation
from napari_imseg.method import Curator, Example, UnlabeledImage


class NoisyStudent(Curator):
    """Networks suggest labels for the other images; the next ones learn them from blurred and noisy copies.

    NS: image and label are augmented once at the strength of the generation.
    Source: METHODS 1.4.
    """

    name = "noisy-student"
    title = "Noisy student"
    source = "Xie et al. 2020, as in Inconsistency Masks (NS)"
    aliases = ("NS",)
    tasks = frozenset(Task)
    Settings = GrowthSettings
    settings: GrowthSettings
    asks_best_alone = True

    def prepare(self, labeled: Sequence[Example]) -> None:
        self.strengths = self.settings.strengths([example.image_C_H_W for example in labeled])

    def width(self, generation: int, alpha: float) -> float:
        return self.settings.width(generation, alpha)

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        label = hard_labels(unlabeled.probabilities_K_C_H_W[:1], self.problem)[0]
        strength = of_generation(self.strengths, unlabeled.generation)
        return [Example(unlabeled.image_C_H_W, label, strength=strength)]
