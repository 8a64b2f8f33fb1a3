"""All comparisons, by name."""

from __future__ import annotations

from typing import Final

from napari_imseg.reproduce.actis.comparison import ActisComparison
from napari_imseg.reproduce.comparison import Comparison
from napari_imseg.reproduce.inconsistency_masks.comparison import InconsistencyMasksComparison

COMPARISONS: Final[dict[str, Comparison]] = {
    one.name: one for one in (InconsistencyMasksComparison(), ActisComparison())
}
