"""What IM+, IM++, AIM+, AIM++ and their control share: blocked pairs, augmentation, growing students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from napari_imseg.blocked_masks import BlockedMasks
from napari_imseg.core.blocking import BlockingSettings
from napari_imseg.core.evalnet_scores import augmented_versions
from napari_imseg.core.growth import GrowthSettings
from napari_imseg.core.judging import JudgingSettings, VersionSettings
from napari_imseg.core.strength import AUGMENTED_COPIES, of_generation
from napari_imseg.method import Example, UnlabeledImage, augmented_copies


class GrowingMasksSettings(BlockingSettings, GrowthSettings):
    """Blocking of IM; growth of noisy students."""


class GrowingMasks(BlockedMasks):
    """Each blocked pair is learned in one or more versions, augmented at the strength of the generation.

    Source: METHODS 1.4 (IM+, AIM+).

    Attributes
    ----------
    augmented_labels
        True for AIM: ALD stands for LD, and each pair is also learned as it is.
    """

    Settings = GrowingMasksSettings
    augmented_labels: ClassVar[bool] = False

    def prepare(self, labeled: Sequence[Example]) -> None:
        self.strengths = self.settings.strengths([example.image_C_H_W for example in labeled])

    def labeled_set(self, labeled: Sequence[Example]) -> list[Example]:
        if not self.augmented_labels:
            return list(labeled)
        return [*labeled, *augmented_copies(labeled, self.strengths[-1], AUGMENTED_COPIES)]

    def width(self, generation: int, alpha: float) -> float:
        wider: float = self.settings.width(generation, alpha)
        return wider

    def versions(self, pair: Example, unlabeled: UnlabeledImage) -> int:
        """How many augmented versions are learned of a pair, which is given with its pixels blocked."""
        return 1

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        pair = self.blocked(unlabeled)
        if pair is None:
            return []
        learned, strength = self.learned(pair, unlabeled), of_generation(self.strengths, unlabeled.generation)
        augmented = augmented_copies([learned], strength, self.versions(pair, unlabeled))
        return [*augmented, learned] if self.augmented_labels else augmented


def versions_by(score: float, settings: VersionSettings, unlabeled: UnlabeledImage) -> int:
    """1 to 5 versions, between the limits that the settings or the first networks give (IM++)."""
    return augmented_versions(score, *settings.limits(unlabeled.limits))


class JudgedMasksSettings(GrowingMasksSettings, VersionSettings, JudgingSettings):
    """Blocking of IM, growth of noisy students, EvalNets."""


class JudgedMasks(GrowingMasks):
    """The better EvalNets find a blocked pair, the more versions of it are learned.

    Source: METHODS 1.4 (IM++, AIM++).
    """

    Settings = JudgedMasksSettings
    judge_of = "blocked"

    def versions(self, pair: Example, unlabeled: UnlabeledImage) -> int:
        assert unlabeled.judge is not None
        return versions_by(unlabeled.judge.score(pair.image_C_H_W, pair.target_H_W), self.settings, unlabeled)
