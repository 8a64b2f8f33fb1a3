"""Approaches that let EvalNets judge masks (EvalNet, IM++, AIM++): what a judge is, and their settings."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator

from napari_imseg.settings import Settings, setting


class Judge(Protocol):
    """Judges masks without the truth: an ensemble of EvalNets."""

    def score(self, image_C_H_W: NDArray[np.float32], mask_H_W: NDArray[np.int16]) -> float:
        """Expected IoU of a mask of an image, from 0 to 1."""
        ...


class Remembering:
    """A judge that looks at each mask of an image once, however many ask about it.

    For the images of one task: it keeps a few bytes for each mask.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._said: dict[bytes, float] = {}

    def score(self, image_C_H_W: NDArray[np.float32], mask_H_W: NDArray[np.int16]) -> float:
        """See `Judge.score`."""
        key = blake2b(image_C_H_W.tobytes())
        key.update(mask_H_W.tobytes())
        if key.digest() not in self._said:
            self._said[key.digest()] = self._judge.score(image_C_H_W, mask_H_W)
        return self._said[key.digest()]


class JudgingSettings(Settings):
    """How many EvalNets there are, and what they look like (METHODS 1.2 and 1.4)."""

    evalnets: int = setting(2, "EvalNets that judge together: the best of those trained.", ge=1, le=5)
    evalnets_trained: int = setting(5, "EvalNets that are trained, once in a run.", ge=1, le=10)
    evalnet_alpha: float = setting(1.0, "Width factor of the EvalNets.", ge=0.125, le=4, step=0.125)
    evalnet_epochs: int = setting(50, "Epochs of each EvalNet.", ge=1, le=10_000)

    @field_validator("evalnets_trained")
    @classmethod
    def _as_many_as_judge(cls, trained: int, info: ValidationInfo) -> int:
        """Fewer than are asked for is an error, not silent reuse (METHODS 7.4)."""
        asked = info.data.get("evalnets", 0)
        if trained < asked:
            raise ValueError(f"evalnets={asked} cannot be chosen from fewer; raise it or lower evalnets")
        return trained


QUALITY: Final = JudgingSettings(evalnets=2, evalnets_trained=2, evalnet_alpha=0.5, evalnet_epochs=10)
"""Small ones that order a queue, for methods that have no EvalNets of their own."""


class VersionSettings(Settings):
    """Between which scores a blocked pair gets one to five augmented versions (IM++, AIM++)."""

    lowest: float = setting(
        0.0,
        "Score up to which there is one version; 0 = the lowest validation score of the first networks.",
        ge=0,
        le=1,
        zero="from the first networks",
        step=0.001,
    )
    highest: float = setting(
        0.0,
        "Score above which there are five versions; 0 = the highest validation score of the first networks.",
        ge=0,
        le=1,
        zero="from the first networks",
        step=0.001,
    )

    @field_validator("highest")
    @classmethod
    def _above_lowest(cls, highest: float, info: ValidationInfo) -> float:
        """Limits in the wrong order are an error; silently they would be one limit."""
        lowest = info.data.get("lowest", 0.0)
        if 0 < highest < lowest:
            raise ValueError(f"it lies below lowest={lowest}; raise it, lower lowest, or leave one of them 0")
        return highest

    def limits(self, derived: tuple[float, float]) -> tuple[float, float]:
        """Lowest and highest score, those ``derived`` from the run where the settings give none.

        One that is given stays; a derived one beyond it gives way, and both are the same.
        """
        lowest, highest = self.lowest or derived[0], self.highest or derived[1]
        return (lowest, max(lowest, highest)) if self.lowest else (min(lowest, highest), highest)
