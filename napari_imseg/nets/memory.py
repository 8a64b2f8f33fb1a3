"""Ask for as much at a time as fits into the memory of the GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class OutOfMemoryError(ValueError):
    """Not even one crop or image fits into memory."""


def in_batches(items: Iterable[Item], size: int, ask: Callable[[list[Item]], Answer]) -> Iterator[Answer]:
    """What ``ask`` says of items, one batch after the other.

    A batch that does not fit into the memory of the GPU is asked again in halves, and so are
    all that follow.

    Parameters
    ----------
    size
        Items of a batch at most, 1 or more.

    Raises
    ------
    OutOfMemoryError
        Not even one item fits.
    """
    coming, waiting = iter(items), list[Item]()
    while waiting := waiting or list(islice(coming, size)):
        batch = waiting[:size]
        answer = _unless_full(ask, batch)
        if answer is None:
            torch.cuda.empty_cache()  # not before: the traceback of the error held the tensors
            size = len(batch) // 2
        else:
            yield answer
            waiting = waiting[size:]


def _unless_full(ask: Callable[[list[Item]], Answer], batch: list[Item]) -> Answer | None:
    """The answer; ``None`` if it takes more memory than there is and the batch can be halved."""
    try:
        return ask(batch)
    except torch.OutOfMemoryError as error:
        if len(batch) == 1:
            raise OutOfMemoryError(
                "not even one image fits into the memory of the GPU; close other programs that use it, "
                "choose the CPU as device, or train a smaller network"
            ) from error
        return None
