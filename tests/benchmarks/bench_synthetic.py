"""How hard the synthetic images are for methods without a network, and how long one takes.

``python -m tests.benchmarks.bench_synthetic [--labels 10] [--test 20]`` prints a table. The time of
one image of 256 x 256 is CPU time, and stands beside a Gaussian blur (sigma 8) of the same size.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_imseg.core.instances import three_class_target, watershed_instances
from napari_imseg.core.intensity import normalise
from napari_imseg.core.metrics import instance_metrics
from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.method import Example
from napari_imseg.methods.pixel_classifier import PixelClassifier, PixelClassifierSettings
from napari_imseg.synthetic.dataset import KINDS
from napari_imseg.synthetic.sample import Sample

TEST_SEED = 10_000


def iou(found_H_W: NDArray[np.bool_], true_H_W: NDArray[np.bool_]) -> float:
    """IoU of two masks; 1 if both are empty."""
    union = (found_H_W | true_H_W).sum()
    return float((found_H_W & true_H_W).sum() / union) if union else 1.0


def best_threshold(samples: list[Sample]) -> float:
    """Mean IoU of the best threshold of each image, chosen with knowledge of the truth."""
    scores = []
    for sample in samples:
        blurred = ndimage.gaussian_filter(sample.image_C_H_W[0].astype(float), 1)
        levels = np.percentile(blurred, np.arange(30, 99.5))
        scores.append(max(iou(blurred > level, sample.label_H_W > 0) for level in levels))
    return mean(scores)


def pixel_classifier(kind: str, labels: int, samples: list[Sample]) -> dict[str, float]:
    """What a random forest reaches that learned from ``labels`` images."""
    task, names = KINDS[kind].task, KINDS[kind].classes
    instances = task is Task.INSTANCES
    problem = Problem(task, samples[0].image_C_H_W.shape[0], 3 if instances else len(names) + 1)
    examples = []
    for seed in range(labels):
        sample = KINDS[kind].make(seed)
        target = three_class_target(sample.label_H_W) if instances else sample.label_H_W.astype(np.int16)
        examples.append(Example(normalise(sample.image_C_H_W, "percentile"), target, str(seed)))
    forest = PixelClassifier(PixelClassifierSettings(), problem).fit(examples, seed=0)
    maps = [forest.probabilities(normalise(s.image_C_H_W, "percentile")[None])[0] for s in samples]
    if instances:
        objects = [watershed_instances(probabilities, **asdict(WatershedOptions())) for probabilities in maps]
        found = [instance_metrics(s.label_H_W, ids) for s, ids in zip(samples, objects, strict=True)]
        return {"ap50_pr": mean(one["ap50_pr"] for one in found)}
    return {
        f"IoU {name}": mean(
            iou(probabilities.argmax(0) == value, sample.label_H_W == value)
            for sample, probabilities in zip(samples, maps, strict=True)
        )
        for value, name in enumerate(names, start=1)
    }


def milliseconds(work: Callable[[int], object], rounds: int = 15) -> float:
    """Median CPU time of one call."""
    times = []
    for number in range(rounds):
        started = time.process_time()
        work(number)
        times.append(time.process_time() - started)
    return 1000 * median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--test", type=int, default=20)
    arguments = parser.parse_args()
    noise = np.random.default_rng(0).random((256, 256), np.float32)
    blur = milliseconds(lambda _: ndimage.gaussian_filter(noise, 8))
    print(f"{os.cpu_count()} cores; {arguments.labels} labels, {arguments.test} test images\n")
    print(
        "| images | best threshold, IoU | pixel classifier | ms an image | blur, ms |\n|---|---|---|---|---|"
    )
    for kind in ("nuclei", "cells", "touching"):
        samples = [KINDS[kind].make(TEST_SEED + seed) for seed in range(arguments.test)]
        threshold = f"{best_threshold(samples):.2f}" if kind == "nuclei" else "–"
        reached = pixel_classifier(kind, arguments.labels, samples)
        text = ", ".join(f"{name} {value:.2f}" for name, value in reached.items())
        print(f"| {kind} | {threshold} | {text} | {milliseconds(KINDS[kind].make):.0f} | {blur:.1f} |")


if __name__ == "__main__":
    main()
