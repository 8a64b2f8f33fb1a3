"""Rows of the catalog."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

State = Literal["unlabeled", "partial", "labeled", "rejected"]
STATES: Final[tuple[State, ...]] = get_args(State)
Split = Literal["train", "validation"]
Tile = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a project.

    Attributes
    ----------
    id
        Name that is safe as a file name; never changes.
    index
        Place in the project, from 0.
    path
        File, with ``/``; relative to the project's folder where that is possible.
    plane
        Place in a stack, from 0; ``None`` for a file of one plane.
    tile
        y, x, height, width in the plane; ``None`` for a whole plane.
    shape
        Channels, height, width.
    dtype
        Name of the numpy type of the file's values.
    fingerprint
        Of the file, see `napari_imseg.project.fingerprints`.
    group
        Images of one group are never on both sides of a split.
    state
        ``partial`` and ``labeled`` images have a label; a ``rejected`` one is not to be labeled.
    split
        ``None`` until the image gets its first label.
    """

    id: str
    index: int
    path: str
    plane: int | None
    tile: Tile | None
    shape: tuple[int, int, int]
    dtype: str
    fingerprint: str
    group: str
    state: State
    split: Split | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A place in the queue.

    Attributes
    ----------
    score
        ``None`` if the ranking has not seen the image.
    beside
        Score of a second ranking, which is told beside; ``None`` if there is none, or none was asked for.
    """

    record: ImageRecord
    score: float | None
    beside: float | None = None


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image that is to enter the catalog."""

    id: str
    plane: int | None
    tile: Tile | None
    shape: tuple[int, int, int]
    dtype: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to enter the catalog with all its images."""

    path: str
    fingerprint: str
    modified_ns: int
    group: str
    images: list[NewImage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that the catalog knows: path, fingerprint and time of its last change."""

    path: str
    fingerprint: str
    modified_ns: int
