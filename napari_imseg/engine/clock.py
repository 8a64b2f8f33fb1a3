"""Keep a time budget: share what is left among the students that are still to train."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_imseg.project.atomic import write_text

PASS_SHARE = 0.15
"""Time kept for the passes over the unlabeled images until one has been measured."""


class Clock:
    """The time that a run has used, over all its stops and resumes.

    Parameters
    ----------
    folder
        The run folder; the time used is kept in ``seconds.txt``.
    minutes
        Time budget, 0 = no limit.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self._path = folder / "seconds.txt"
        self._used_before = _number(self._path)
        self._started = time.monotonic()
        self._budget = minutes * 60 or float("inf")
        self._pass_seconds: float | None = None

    def note(self) -> None:
        """Keep the time used on disk, for a run that is resumed."""
        write_text(self._path, f"{self.used:.1f}")

    @property
    def used(self) -> float:
        """Seconds that the run has worked."""
        return self._used_before + time.monotonic() - self._started

    def share(self, rounds: int, passes: int) -> float:
        """Seconds for the next student; all workers together need ``rounds`` students' time.

        ``passes`` over the unlabeled images are to come.
        """
        left = self._budget - self.used
        if left == float("inf"):
            return left
        kept = left * PASS_SHARE if self._pass_seconds is None else passes * self._pass_seconds
        return max(0.0, left - kept) / rounds

    def left(self, student_seconds: float, done: float, rounds: float, passes: int) -> float:
        """Estimated seconds to the end of the run.

        Parameters
        ----------
        student_seconds, done
            Time that the present student has trained, and the share of its epochs that is done.
        rounds, passes
            Rounds of students after this one, and passes over the unlabeled images to come.
        """
        whole = student_seconds / done
        passes_seconds = passes * (self._pass_seconds or whole * PASS_SHARE)
        return min(whole * (1 - done + rounds) + passes_seconds, max(0.0, self._budget - self.used))

    @contextmanager
    def measuring_pass(self) -> Iterator[None]:
        """Remember how long a pass over the pool takes."""
        started = time.monotonic()
        yield
        self._pass_seconds = time.monotonic() - started


def _number(path: Path) -> float:
    """The time in a file; one that is missing or damaged counts as none."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0
