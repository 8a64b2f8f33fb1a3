"""The environment of a trainer."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_imseg.nets.environment import environment


def test_it_needs_no_torch() -> None:
    code = "import sys, napari_imseg.nets.environment; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_own_tunables_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=3")
    assert environment()["GLIBC_TUNABLES"] == "glibc.malloc.check=3:glibc.malloc.hugetlb=1"


def test_other_systems_get_no_variables_of_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert not any("MALLOC" in name or "GLIBC" in name for name in environment())


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults, which only Linux reports so")
def test_freed_memory_is_kept() -> None:
    """Taking 64 MiB again and again costs page faults once, not every time."""
    code = (
        "import resource, numpy\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "numpy.ones(2**23)\n"
        "before = faults()\n"
        "for _ in range(3): numpy.ones(2**23)\n"
        "print(faults() - before)\n"
    )
    found = {}
    for name, variables in (("plain", {}), ("kept", environment())):
        answer = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        found[name] = int(answer.stdout)
    assert found["kept"] <= found["plain"] / 10
