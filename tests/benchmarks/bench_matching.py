"""S7: matching the objects of two label images of 2048 x 2048 with 3,000 objects each.

``python -m tests.benchmarks.bench_matching`` prints a table; under pytest the targets are
asserted. References: an IoU for every pair of objects from their masks, and the kinder loop
that counts each true object's pixels at once; both are measured on a sample and multiplied.
And `skimage.metrics.contingency_table`, which is only the first half of a matching. All times
are CPU time of one thread.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import contingency_table

from napari_imseg.core.matching import match
from tests.core.scenes import discs

SIDE, PATCH, OBJECTS = 2048, 256, 3000
SAMPLE_PAIRS, SAMPLE_OBJECTS = 20, 40
TARGET_RATIO = 50

Ids = NDArray[np.int32]


def pair_of_labels() -> tuple[Ids, Ids]:
    """About 3,000 objects, and the same moved by two pixels."""
    rng = np.random.default_rng(0)
    patches = (SIDE // PATCH) ** 2
    rows = []
    for row in range(SIDE // PATCH):
        line = [discs(rng, PATCH, 3 + OBJECTS // patches, radius=9) for _ in range(SIDE // PATCH)]
        offsets = 1000 * (np.arange(len(line)) + row * len(line))
        rows.append(
            np.concatenate([ids + (ids > 0) * o for ids, o in zip(line, offsets, strict=True)], axis=1)
        )
    true = np.concatenate(rows).astype(np.int32)
    return true, np.roll(true, (2, 1), axis=(0, 1))


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def every_pair(true: Ids, predicted: Ids) -> None:
    """IoU of a true object with a sample of predicted ones."""
    mask = true == true[true > 0][0]
    for index in np.unique(predicted)[1 : 1 + SAMPLE_PAIRS]:
        other = predicted == index
        np.count_nonzero(mask & other) / np.count_nonzero(mask | other)


def every_object(true: Ids, predicted: Ids) -> None:
    """Pixels that a sample of true objects shares with each predicted one."""
    for index in np.unique(true)[1 : 1 + SAMPLE_OBJECTS]:
        np.bincount(predicted[true == index])


def measure(rounds: int) -> tuple[int, dict[str, float]]:
    """Objects, and seconds of each way, all in turns."""
    true, predicted = pair_of_labels()
    objects = len(np.unique(true)) - 1
    ways: dict[str, tuple[Callable[[], object], float]] = {
        "ours": (lambda: match(true, predicted).true_positives(0.5), 1.0),
        "contingency_table": (lambda: contingency_table(true, predicted), 1.0),
        "loop over objects": (lambda: every_object(true, predicted), objects / SAMPLE_OBJECTS),
        "loop over pairs": (lambda: every_pair(true, predicted), objects**2 / SAMPLE_PAIRS),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (work, share) in ways.items():
            times[name].append(share * seconds(work))
    return objects, {name: median(values) for name, values in times.items()}


def test_matching_reaches_its_targets() -> None:
    _, times = measure(3)
    assert times["loop over objects"] / times["ours"] >= TARGET_RATIO
    assert times["ours"] <= times["contingency_table"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    objects, times = measure(parser.parse_args().rounds)
    print(f"{SIDE} x {SIDE}, {objects} objects; {platform.machine()}, CPU time of one thread")
    for name, value in times.items():
        print(f"{name:20} {value:12.3f} s  {value / times['ours']:12.1f}x")


if __name__ == "__main__":
    main()
