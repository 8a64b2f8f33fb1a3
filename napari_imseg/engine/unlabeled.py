"""Unlabeled images as students see them, read once and kept in shards that all students share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from napari_imseg.engine import curated
from napari_imseg.engine.events import Event, Note
from napari_imseg.engine.reading import read_batches
from napari_imseg.engine.room import Room
from napari_imseg.engine.training import StopRequested
from napari_imseg.project.errors import ProjectError

SHARD = 16
"""Images of a shard at least: so many are in memory while it is written."""

MOST_SHARDS = 256
"""Each is an open file in every process that trains."""


def shards(room: Room) -> dict[Path, list[str]]:
    """The files of all shards with the ids of their images; none if no objective wants them.

    Independent of the machine and of how many tasks there are at a time, so that a run that is
    resumed goes on with what is written already.
    """
    ids = room.drawn(0) if room.recipe.needs_unlabeled else []
    size = max(SHARD, -(-len(ids) // MOST_SHARDS))
    return {
        room.unlabeled_folder / f"{first // size:04d}.safetensors": ids[first : first + size]
        for first in range(0, len(ids), size)
    }


def write_shard(room: Room, path: Path, image_ids: Sequence[str]) -> Generator[Event, None, None]:
    """Read images and write them to one shard; one that cannot be read is left out with a warning.

    Raises
    ------
    StopRequested
        The run was asked to stop, between two batches.
    """
    names, images = list[str](), []
    for ids, some, problems in read_batches(room.project, image_ids, voices=0):
        if room.should_stop():
            raise StopRequested
        for complaint in problems.values():
            yield Note(level="warning", message=complaint)
        names += ids
        images += some
    curated.write_images(path, images, names)


def check(room: Room) -> None:
    """Refuse to train where images are wanted and not one could be read (`ProjectError`)."""
    if room.recipe.needs_unlabeled and not room.unlabeled:
        raise ProjectError(
            f"none of the unlabeled images that {room.recipe.loss(1)[0].name} learns from can be read; "
            "link them again, or train with supervised"
        )
