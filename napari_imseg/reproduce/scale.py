"""How much is trained: the words that every comparison uses for it.

A scale and the data decide every setting of a run, so that a comparison can be stopped, resumed
and done again elsewhere with the same figures. No run has a limit in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_imseg.method import Method


def known_settings(method: type[Method], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some settings that a method has."""
    return {name: value for name, value in values.items() if name in method.Settings.model_fields}


@dataclass(frozen=True)
class Sizes:
    """Pixels of all images of each set together."""

    unlabeled: int
    validation: int
    test: int


@dataclass(frozen=True)
class Scale:
    """How much is trained.

    Attributes
    ----------
    run
        Settings of every run that trains networks.
    method
        Settings of every method that knows them.
    repetitions
        How often everything is done, with another seed each time.
    epochs_of_steps
        Epochs into which the steps of a student are divided; 0: `steps` is not asked.
    steps
        Steps of a student; 0 to derive them from the data.
    lengths
        Of approaches whose networks make several times as many steps: how many times.
    """

    name: str
    run: dict[str, Any]
    method: dict[str, Any]
    repetitions: int
    epochs_of_steps: int = 0
    steps: int = 0
    lengths: Mapping[str, int] = field(default_factory=dict)
