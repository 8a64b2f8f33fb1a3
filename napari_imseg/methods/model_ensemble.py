"""Model ensemble: what the best teachers say together is the pseudo-label."""

from __future__ import annotations

from napari_imseg.core.cells import with_circles
from napari_imseg.core.disagreement import ensemble_label
from napari_imseg.core.problem import Task
from napari_imseg.method import Curator, Example, UnlabeledImage
from napari_imseg.settings import Settings


class ModelEnsembleSettings(Settings):
    """None; how many teachers there are is ``top_k`` of the run."""


class ModelEnsemble(Curator):
    """The best networks suggest labels for the other images; the next ones learn all that they say.

    ME: unanimity for one class, the mean of the probabilities otherwise.
    Source: METHODS 1.4.
    """

    name = "model-ensemble"
    title = "Model ensemble"
    source = "Inconsistency Masks (ME)"
    aliases = ("ME",)
    tasks = frozenset(Task)
    Settings = ModelEnsembleSettings
    minimum_teachers = 2

    def curate(self, unlabeled: UnlabeledImage) -> list[Example]:
        unanimous = self.problem.binary
        label = ensemble_label(unlabeled.probabilities_K_C_H_W, self.problem, unanimous)
        return [Example(unlabeled.image_C_H_W, with_circles(label, self.problem))]
