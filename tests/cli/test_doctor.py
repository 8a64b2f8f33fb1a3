"""``doctor`` tells what is wrong and how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call

QUICK = ["napari_imseg.cli.checks._device", "napari_imseg.cli.checks._screen"]


@pytest.fixture(autouse=True)
def no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are not measured; each has one weight."""
    monkeypatch.setattr(
        "napari_imseg.engine.network_costs.costs_here", lambda choices: [f"1 weight, {choices[0].device}"] * 9
    )


def test_a_working_machine_passes(call: Call) -> None:
    result = call("doctor", "--json")
    found = json.loads(result.stdout)
    checks = {check["name"]: check for check in found["checks"]}
    assert result.exit_code == 0
    assert found["ok"]
    assert checks["torch"]["found"].startswith("2.")
    assert "fp32" in checks["device"]["found"] or "16" in checks["device"]["found"]
    assert checks["network efficientnet-b5"]["found"] == "1 weight, auto"
    assert {"Python", "disk (this folder)", "memory", "cache folder", "Qt", "display"} <= set(checks)


def test_an_unusable_cache_folder_fails_with_advice(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))
    for check in QUICK:
        monkeypatch.setattr(check, lambda: [])
    monkeypatch.setattr("napari_imseg.cli.checks._device", lambda: _passed())
    result = call("doctor", "--json")
    cache = next(check for check in json.loads(result.stdout)["checks"] if check["name"] == "cache folder")
    assert result.exit_code == 1
    assert "XDG_CACHE_HOME" in cache["advice"]


def test_without_a_screen_it_says_how_to_get_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("napari_imseg.cli.checks._device", lambda: _passed())
    result = call("doctor")
    assert result.exit_code == 0
    assert "xvfb-run" in " ".join(result.stdout.split())


def _passed() -> object:
    from napari_imseg.cli.checks import Check

    return Check("device", "cpu")
