"""A measurement in a process of its own, since the allocator is chosen when a process starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from napari_imseg.nets.environment import environment


def answer_of(module: str, arguments: Sequence[str], *, plain: bool) -> Any:
    """The JSON that a benchmark prints last, on one thread; ``plain``: in the environment of any program."""
    clean = {
        name: value for name, value in os.environ.items() if "MALLOC" not in name and "GLIBC" not in name
    }
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        env=clean | ({} if plain else environment()) | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
