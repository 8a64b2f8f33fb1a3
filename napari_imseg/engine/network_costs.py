"""What each network costs on this machine, measured once in a process like those that train."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.nets.costs import NetworkCost
from napari_imseg.nets.devices import machine_key, resolve
from napari_imseg.nets.environment import environment
from napari_imseg.nets.names import UNET_1X1
from napari_imseg.nets.remembered import Remembered, cache_file


def costs_here(choices: Sequence[RunSettings], cache: Path | None = None) -> list[str]:
    """Weights of the network of each settings and seconds of its training step, in words.

    What is not known yet is measured, a second or so for each, in a process of its own: the
    allocator of a trainer makes steps twice as fast, and this process is not held up. It is slow
    the first time; call it from a thread.

    Parameters
    ----------
    choices
        Their network, width, batches and crops count; all on the device of the first.
    cache
        File that remembers measurements; by default one in the user's cache folder.

    Raises
    ------
    ValueError
        There is no such device, or nothing could be measured; one sentence.
    """
    device = resolve(choices[0].device)
    remembered = Remembered(NetworkCost, cache or cache_file("networks.json"))
    known = remembered.all()
    keys = {
        _name(settings): f"{_name(settings)} | {device.type} | {machine_key(device)}" for settings in choices
    }
    missing = [name for name, key in keys.items() if key not in known]
    if missing:
        answer = TypeAdapter(list[NetworkCost]).validate_json(_ask(str(device), missing))
        found = {keys[name]: cost for name, cost in zip(missing, answer, strict=True)}
        known |= remembered.add(found)
    return [_sentence(settings, known[keys[_name(settings)]], str(device)) for settings in choices]


def _name(settings: RunSettings) -> str:
    """Network and width, as `napari_imseg.nets.costs` takes them."""
    return f"{settings.network}:{settings.alpha if settings.network == UNET_1X1 else 1}"


def _ask(device: str, names: Sequence[str]) -> str:
    """The line of JSON that the measurement ends with."""
    command = [sys.executable, "-m", "napari_imseg.nets.costs", device, *names]
    asked = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | environment(),
        check=False,
    )
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or [f"code {asked.returncode}"])[-1]
        raise ValueError(f"what a network costs here could not be measured ({reason})")
    return asked.stdout.strip().splitlines()[-1]


def _sentence(settings: RunSettings, cost: NetworkCost, device: str) -> str:
    side, crops = settings.tile_on(device), settings.batch_size_on(device)
    seconds = cost.pixel_seconds * crops * side**2
    where = "on a core here" if device == "cpu" else "here"
    return (
        f"{cost.weights / 1e6:.2g} million weights, about {seconds:.2g} s a step on labels alone {where} "
        f"({crops} crops of {side} x {side})"
    )
