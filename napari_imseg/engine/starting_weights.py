"""What the first networks of a run start from: fetched once, before any work, and kept in the run."""

from __future__ import annotations

from collections.abc import Iterator

from safetensors.torch import save_file

from napari_imseg.engine.events import Event, Note
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.header import write_tensors
from napari_imseg.nets.names import IMAGENET
from napari_imseg.nets.pretrained import encoder_weights


def keep(room: Room) -> Iterator[Event]:
    """Write the weights that the settings name into the run, unless they are there.

    So the tasks of a run need neither the connection nor the file, whichever machine they are on,
    and a resumed run starts its students from the same.

    Raises
    ------
    ValueError
        As `encoder_weights`.
    """
    path, settings = room.starting_weights, room.settings
    if not settings.weights or room.recipe.objective is None or path.exists():
        return
    if settings.weights == IMAGENET:
        yield Note(message=f"taking ImageNet weights of {settings.network}; the first time they are fetched")
    found = encoder_weights(settings.network, settings.weights)
    path.parent.mkdir(exist_ok=True)
    write_tensors(path, {name: value.contiguous() for name, value in found.items()}, {}, save_file)


def check(settings: RunSettings) -> None:
    """Refuse a file that no network could start from, before there is a run.

    Raises
    ------
    ValueError
        As `encoder_weights`.
    """
    if settings.weights not in ("", IMAGENET):
        encoder_weights(settings.network, settings.weights)
