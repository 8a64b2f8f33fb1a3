"""Ctrl-C while a run trains: the first one asks it to stop, the second one leaves it alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_imseg.project.runs import Run


@contextmanager
def stops_on_interrupt(run: Run) -> Iterator[None]:
    """While inside, Ctrl-C and a polite kill ask ``run`` to stop; its events go on until it has.

    A second signal raises `KeyboardInterrupt`: the run then stops without being watched.
    """
    from napari_imseg.engine.process import stop

    def ask(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop(run)
        os.write(2, f"\nstopping {run.name} after its current step …\n".encode())  # safe in a signal handler

    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
