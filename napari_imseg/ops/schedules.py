"""Learning rates that change during a training, as factors of the first one."""

from __future__ import annotations

import math


def cosine(progress: float, first: float, last: float) -> float:
    """Factor of a learning rate that falls from ``first`` to ``last`` along half a cosine.

    ``eta = last + (first - last) (1 + cos(pi t)) / 2``, divided by ``first``; never above 1.

    Parameters
    ----------
    progress
        t, from 0 to 1.
    """
    end = min(1.0, last / first)
    return end + (1 - end) * (1 + math.cos(math.pi * progress)) / 2
