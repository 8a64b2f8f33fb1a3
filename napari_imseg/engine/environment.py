"""The environment of a process that trains; without torch, so that the viewer can start one."""

from __future__ import annotations


def environment() -> dict[str, str]:
    """Variables to set before the process starts, or they have no effect.

    glibc gives every large tensor back to the system when it is freed; each step then pays
    for mapping and clearing the same pages again. The values keep them. OpenMP threads that
    wait spin by default, which takes the cores away from the viewer; passive ones sleep.
    """
    return {
        "MALLOC_TRIM_THRESHOLD_": str(2**40),
        "MALLOC_MMAP_THRESHOLD_": str(2**40),
        "MALLOC_TOP_PAD_": str(2**26),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
