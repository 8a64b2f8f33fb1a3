"""The choice of device, precision and layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_imseg.nets import devices
from napari_imseg.nets.devices import (
    CANDIDATES,
    Hardware,
    Precision,
    autocast,
    available,
    choose,
    fastest,
    gradient_scaler,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(precision: Precision, channels_last: bool, batch: int, side: int) -> float:
        raise AssertionError("measured again")

    monkeypatch.setattr(devices, "_step_seconds", fail)


def quick(monkeypatch: pytest.MonkeyPatch, seconds: dict[tuple[str, bool], float]) -> list[tuple[str, bool]]:
    """Replace the measurement by a table; returns what was asked."""
    asked: list[tuple[str, bool]] = []

    def look_up(precision: Precision, channels_last: bool, batch: int, side: int) -> float:
        asked.append((precision, channels_last))
        return seconds[precision, channels_last]

    monkeypatch.setattr(devices, "_step_seconds", look_up)
    return asked


def test_a_real_measurement_takes_seconds_and_is_remembered(tmp_path: Path) -> None:
    found = choose("cpu", tmp_path / "deep" / "hardware.json")
    assert found.device == "cpu"
    assert found.precision in ("fp32", "bf16")
    assert found.description
    assert (tmp_path / "deep" / "hardware.json").exists()


def test_the_second_time_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "hardware.json"
    asked = quick(monkeypatch, {("fp32", False): 4.0, ("fp32", True): 2.0, ("bf16", True): 1.0})
    first = choose("cpu", cache)
    assert (first.precision, first.channels_last) == ("bf16", True)
    asked.clear()
    torch.set_num_threads(2)
    assert choose("cpu", cache) == first
    assert not asked, "one thread is measured, however many there are"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', "\x00\xff", '{"x": {"device": "cpu"}}'])
def test_a_damaged_memory_is_measured_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    cache = tmp_path / "hardware.json"
    cache.write_text(content, encoding="latin-1")
    asked = quick(monkeypatch, {("fp32", False): 1.0, ("fp32", True): 1.0, ("bf16", True): 1.0})
    choose("cpu", cache)
    assert asked
    asked.clear()
    choose("cpu", cache)
    assert not asked


def test_two_that_measure_at_once_go_on_with_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, begun, others = tmp_path / "hardware.json", list[int](), list[Hardware]()

    def measure(_: object) -> tuple[Precision, bool]:
        begun.append(1)
        if len(begun) > 1:
            return "bf16", True
        others.append(choose("cpu", cache))  # another process, while this one measures
        return "fp32", True

    monkeypatch.setattr(devices, "fastest", measure)
    assert choose("cpu", cache) == others[0] == choose("cpu", cache)
    assert (others[0].precision, len(begun)) == ("bf16", 2)


def test_a_folder_that_cannot_be_written_costs_only_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, {("fp32", False): 1.0, ("fp32", True): 1.0, ("bf16", True): 1.0})
    (tmp_path / "file").touch()
    assert choose("cpu", tmp_path / "file" / "hardware.json").device == "cpu"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((1.0, 0.4, 1.5), ("bf16", True)),
        ((1.0, 0.8, 0.8), ("fp32", True)),
        ((1.0, 5.0, 0.7), ("fp32", False)),
        ((1.0, 0.5, 0.3), ("fp32", False)),
        ((1.0, 9.0, 9.0), ("fp32", True)),
    ],
)
def test_the_fastest_wins_if_it_gains_enough(
    seconds: tuple[float, float, float], expected: tuple[str, bool]
) -> None:
    table = dict(zip(CANDIDATES, seconds, strict=True))
    assert fastest(lambda precision, channels_last, *_: table[precision, channels_last]) == expected


def test_a_clock_that_changes_and_single_short_steps_do_not_choose() -> None:
    """bf16 gains too little; it would win if it were measured after the others, or by its shortest step."""
    table = dict(zip(CANDIDATES, (1.0, 0.8, 1.0), strict=True))
    asked: list[tuple[str, bool]] = []

    def seconds(precision: Precision, channels_last: bool, batch: int, side: int) -> float:
        asked.append((precision, channels_last))
        clock = 2.0 if len(asked) % 25 < 12 else 1.0
        burst = 0.5 if precision == "bf16" and asked.count(("bf16", True)) % 5 == 0 else 1.0
        return table[precision, channels_last] * clock * burst

    assert fastest(seconds) == ("fp32", True)


def test_a_hopeless_candidate_is_tried_on_tiny_images_only() -> None:
    asked = []

    def seconds(precision: Precision, channels_last: bool, batch: int, side: int) -> float:
        asked.append((precision, side))
        return 20.0 if precision == "bf16" else 1.0

    fastest(seconds)
    sides = {precision: {side for name, side in asked if name == precision} for precision in ("fp32", "bf16")}
    assert len(sides["fp32"]) == 2
    assert sides["bf16"] == {min(sides["fp32"])}


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "tpu:0", "cpu:3"])
def test_unknown_devices_are_named_with_those_that_exist(name: str) -> None:
    with pytest.raises(ValueError, match=r"no device .* choose auto or one of: .*cpu"):
        choose(name)


def test_auto_takes_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Test GPU")
    names = {(9, 0): "bf16", (8, 0): "bf16", (7, 5): "fp16", (6, 1): "fp32"}
    for capability, precision in names.items():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, c=capability: c)
        found = choose("auto")
        assert (found.device, found.precision, found.channels_last) == ("cuda:0", precision, True)
        assert "Test GPU" in found.description
    assert choose("cuda").device == "cuda:0"
    assert choose("CUDA:1").device == "cuda:1"
    assert available()[:2] == ["cuda:0", "cuda:1"]


@pytest.mark.usefixtures("no_measurement")
def test_an_apple_gpu_is_used_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    found = choose("mps")
    assert (found.device, found.precision) == ("mps", "fp32")


def test_autocast_computes_in_the_chosen_precision() -> None:
    layer, data = torch.nn.Conv2d(1, 1, 1), torch.rand(1, 1, 4, 4)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(Hardware("cpu", precision, True, "")):  # type: ignore[arg-type]
            assert layer(data).dtype == dtype


def test_gradients_are_scaled_for_fp16_only() -> None:
    assert not gradient_scaler(Hardware("cpu", "fp32", True, "")).is_enabled()
    assert not gradient_scaler(Hardware("cpu", "bf16", True, "")).is_enabled()
    assert gradient_scaler(Hardware("cpu", "fp16", True, "")).is_enabled()
