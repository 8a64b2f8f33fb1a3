"""Augmentation of a batch against one image after another in plain numpy, as the paper's code does it.

``python -m tests.benchmarks.bench_augmentation [--repeats 9] [--device cpu]`` prints seconds per
megapixel and per step of METHODS 1.3 at the strength of generation 4. One CPU thread and the
allocator of a trainer; CPU time (wall time on a GPU), the two sides in turn, medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from napari_imseg.core.strength import SCHEDULES, Strength
from napari_imseg.nets.devices import cpu_model
from napari_imseg.nets.environment import environment
from napari_imseg.ops.augmentation import GAUSSIANS, augment

STRONGEST = SCHEDULES["isic"][4]
NOTHING = Strength(blur=0, noise=0, contrast=0, brightness=0, rotation=False)
STEPS = {
    "all": STRONGEST,
    "geometry": replace(NOTHING, rotation=True),
    "blur": replace(NOTHING, blur=3),
    "noise": replace(NOTHING, noise=25),
    "brightness, contrast": replace(NOTHING, contrast=0.5, brightness=25),
}
CASES = ((32, 1, 256), (32, 3, 256), (2, 1, 1024))
"""Batch, channels, side."""

Image = NDArray[np.float32]
Target = NDArray[np.int16]


def plain(image_C_H_W: Image, target_H_W: Target, s: Strength, seed: int) -> tuple[Image, Target]:
    """One image, step by step."""
    rng = np.random.default_rng(seed)
    axes = [axis for axis in ((-2, -1) if s.rotation else (-1,)) if rng.integers(2)]
    turns = int(rng.integers(4)) if s.rotation else 0
    image, target = (np.rot90(np.flip(x, axes), -turns, (-2, -1)) for x in (image_C_H_W, target_H_W))
    if (s.contrast or s.brightness) and rng.integers(2):
        alpha, beta = rng.uniform(1 - s.contrast, 1 + s.contrast), rng.uniform(-s.brightness, s.brightness)
        image = np.clip(np.float32(alpha) * image + np.float32(beta / 255), 0, 1)
    level = int(rng.integers(s.blur + 1))
    if level:
        for axis in (-2, -1):
            image = correlate1d(image, GAUSSIANS[level], axis=axis, mode="mirror")
    if s.noise:
        noise = rng.integers(-s.noise, s.noise, image.shape, dtype=np.int16)
        image = np.clip(image + noise / np.float32(255), 0, 1)
    return np.ascontiguousarray(image), np.ascontiguousarray(target)


def one_by_one(images: Image, targets: Target, strength: Strength, seeds: range) -> None:
    pairs = [
        plain(image, target, strength, seed)
        for image, target, seed in zip(images, targets, seeds, strict=True)
    ]
    np.stack([image for image, _ in pairs])
    np.stack([target for _, target in pairs])


def seconds(work: Callable[[], object], device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - start


def measure(strength: Strength, case: tuple[int, int, int], repeats: int, device: str) -> tuple[float, float]:
    """Median seconds per megapixel (all channels of a pixel together): plain, batch."""
    count, channels, side = case
    images = np.random.default_rng(0).random((count, channels, side, side), np.float32)
    targets = np.zeros((count, side, side), np.int16)
    batch = torch.from_numpy(images).to(device), torch.from_numpy(targets).to(device)
    megapixels = count * side**2 / 1e6
    rounds = []
    for number in range(repeats + 1):
        seeds = range(number * count, (number + 1) * count)
        reference = seconds(lambda seeds=seeds: one_by_one(images, targets, strength, seeds), "cpu")
        ours = seconds(lambda seeds=seeds: augment(*batch, strength, seeds), device)
        rounds.append((reference / megapixels, ours / megapixels))
    return tuple(statistics.median(each[side] for each in rounds[1:]) for side in (0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    if "OMP_WAIT_POLICY" not in os.environ:  # the allocator is chosen when a process starts
        os.execve(sys.executable, sys.orig_argv, os.environ | environment())
    torch.set_num_threads(1)
    print(f"{cpu_model()}, torch {torch.__version__}, one thread, batch on {given.device}\n")
    print("| batch | step | plain, s per megapixel | batch, s per megapixel | ratio |")
    print("|---|---|---|---|---|")
    for case in CASES:
        for step, strength in STEPS.items():
            reference, ours = measure(strength, case, given.repeats, given.device)
            print(
                f"| {case[0]} x {case[1]} x {case[2]}² | {step} | {reference:.4f} | {ours:.4f} "
                f"| {reference / ours:.1f}x |",
                flush=True,
            )


if __name__ == "__main__":
    main()
