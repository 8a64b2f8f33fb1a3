"""Curated examples on disk: what is written is read, without being loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from napari_imseg.core.problem import INCONSISTENT, UNLABELED
from napari_imseg.engine import curated
from napari_imseg.method import Example


def example(seed: int, shape: tuple[int, ...] = (1, 7, 5), masks: bool = False) -> Example:
    """Random values; sides are odd, so that arrays do not start at round places."""
    rng = np.random.default_rng(seed)
    target = rng.integers(INCONSISTENT, 3, shape if masks else shape[1:]).astype(np.int16)
    return Example(rng.random(shape).astype(np.float16), target, f"image {seed} µ")


def check(found: list[Example], expected: list[Example]) -> None:
    assert [one.name for one in found] == [one.name for one in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.image_C_H_W, other.image_C_H_W, strict=True)
        np.testing.assert_array_equal(one.target_H_W, other.target_H_W, strict=True)
        assert one.strength is None


def test_examples_of_any_shape_come_back(tmp_path: Path) -> None:
    written = [example(0), example(1, (3, 16, 9)), example(2, (2, 1, 1), masks=True), example(0)]
    curated.write(tmp_path / "0000.safetensors", written)
    check(curated.read(tmp_path), written)
    curated.write(tmp_path / "0001.safetensors", [replace(one, pseudo=one is written[1]) for one in written])
    assert [one.pseudo for one in curated.read(tmp_path)] == [False] * 5 + [True, False, False]


def test_more_than_ten_examples_stay_in_order(tmp_path: Path) -> None:
    written = [example(seed) for seed in range(12)]
    curated.write(tmp_path / "0000.safetensors", written)
    check(curated.read(tmp_path), written)


def test_shards_are_read_in_order_and_empty_ones_hold_nothing(tmp_path: Path) -> None:
    curated.write(tmp_path / "0002.safetensors", [example(3)])
    curated.write(tmp_path / "0001.safetensors", [])
    curated.write(tmp_path / "0000.safetensors", [example(1), example(2)])
    check(curated.read(tmp_path), [example(1), example(2), example(3)])


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert curated.read(tmp_path / "g1") == []
    curated.write(tmp_path / "g1" / "0000.safetensors", [example(0)])
    check(curated.read(tmp_path / "g1"), [example(0)])


def test_arrays_stay_in_the_file(tmp_path: Path) -> None:
    curated.write(tmp_path / "0000.safetensors", [example(0)])
    (found,) = curated.read(tmp_path)
    for array in (found.image_C_H_W, found.target_H_W):
        assert isinstance(array, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_images_become_float16_and_targets_int16(tmp_path: Path) -> None:
    image, target = np.full((1, 2, 3), 1 / 3, np.float32), np.full((2, 3), UNLABELED, np.int16)
    curated.write(tmp_path / "0000.safetensors", [Example(image[..., ::-1], target.T.copy().T)])
    (found,) = curated.read(tmp_path)
    np.testing.assert_array_equal(found.image_C_H_W, image.astype(np.float16), strict=True)
    np.testing.assert_array_equal(found.target_H_W, target, strict=True)


def test_an_unfinished_shard_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".0123.tmp").write_bytes(b"half of one")
    assert curated.read(tmp_path) == []


def test_images_alone_come_back_without_a_labeled_pixel_and_take_less_space(tmp_path: Path) -> None:
    written = [example(seed, (1, 40, 30 + seed)) for seed in range(12)]
    images, names = [one.image_C_H_W for one in written], [one.name for one in written]
    curated.write_images(tmp_path / "alone" / "0.safetensors", images, names)
    curated.write(tmp_path / "whole.safetensors", written)
    expected = [replace(one, target_H_W=np.full_like(one.target_H_W, UNLABELED)) for one in written]
    check(curated.read(tmp_path / "alone"), expected)
    alone, whole = tmp_path / "alone" / "0.safetensors", tmp_path / "whole.safetensors"
    assert alone.stat().st_size < 0.6 * whole.stat().st_size


def test_shards_of_earlier_versions_are_read(tmp_path: Path) -> None:
    written = [example(0), example(1)]
    tensors = {f"{n}/image": one.image_C_H_W for n, one in enumerate(written)}
    tensors |= {f"{n}/target": one.target_H_W for n, one in enumerate(written)}
    names = json.dumps([one.name for one in written])
    save_file(tensors, tmp_path / "0000.safetensors", {"names": names})
    check(curated.read(tmp_path), written)
    assert not any(one.pseudo for one in curated.read(tmp_path))
