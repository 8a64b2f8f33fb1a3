"""The environment of a process that trains; without torch, so that the viewer can start one."""

from __future__ import annotations

import os
import platform


def environment() -> dict[str, str]:
    """Variables to set before a process starts that trains networks; later they have no effect.

    glibc gives large tensors back to the system when they are freed, and each step then pays
    for mapping and clearing the same pages again. These values keep them, on huge pages where
    the system has any (2 to 3 times faster steps on the CPU, see ``docs/benchmarks.md``).
    OpenMP threads that wait spin by default, which takes the cores away from the viewer;
    passive ones sleep.
    """
    variables = {"OMP_WAIT_POLICY": "PASSIVE"}
    if platform.libc_ver()[0] == "glibc":
        variables |= {
            "MALLOC_MMAP_MAX_": "0",  # a threshold alone is not enough: glibc caps it at 32 MiB
            "MALLOC_TRIM_THRESHOLD_": str(2**40),
            "MALLOC_TOP_PAD_": str(2**26),
            "GLIBC_TUNABLES": _joined(os.environ.get("GLIBC_TUNABLES", ""), "glibc.malloc.hugetlb=1"),
        }
    return variables


def _joined(*tunables: str) -> str:
    return ":".join(tunable for tunable in tunables if tunable)


def cores() -> int:
    """Processor cores for this process: ``OMP_NUM_THREADS`` if that is set, else all it may use."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdecimal() and int(limit):
        return int(limit)
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1
