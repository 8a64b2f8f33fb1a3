"""What a demo run found out, as plain values that figures and report are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_imseg.engine.events import Event


@dataclass(frozen=True)
class Picture:
    """One image beside what the networks and the truth say of it.

    Attributes
    ----------
    image_H_W_3
        uint8, ready to show.
    pseudo_label_H_W
        Class ids of the networks' consensus.
    im_H_W
        True where the networks disagree.
    truth_H_W
        Instance ids, 0 background.
    instances_H_W
        Instance ids that the networks' probabilities gave; ``None`` where not computed.
    """

    name: str
    image_H_W_3: NDArray[np.uint8]
    pseudo_label_H_W: NDArray[np.int32]
    im_H_W: NDArray[np.bool_]
    truth_H_W: NDArray[np.int32]
    instances_H_W: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Place:
    """One place in the queue: the picture, its score, and the reason in words."""

    picture: Picture
    score: float
    reason: str


@dataclass(frozen=True)
class Quality:
    """How good one model is on the images that were never in the project.

    Attributes
    ----------
    model
        What it is, in words.
    labels
        Labeled images that it learned from, validation images included.
    metrics
        Value by metric name.
    """

    model: str
    labels: int
    metrics: dict[str, float]


@dataclass
class Story:
    """Everything that the report tells.

    Attributes
    ----------
    runs
        Events of each training, by the words that describe it.
    seconds
        Duration of each step of the loop, by its name.
    start, end, reference
        Indices into ``qualities``: the first network, the last, and the pixel classifier
        that saw the same labels as the last.
    """

    qualities: list[Quality] = field(default_factory=list)
    runs: dict[str, Sequence[Event]] = field(default_factory=dict)
    queue: list[Place] = field(default_factory=list)
    instances: list[Picture] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    device: str = ""
    held_out: int = 0
    start: int = 0
    end: int = -1
    reference: int = 0
