"""L2, L3: what the two searches for watershed thresholds are worth with few and with many validation images.

``python -m tests.benchmarks.bench_thresholds --project STUDY/projects/76-1/limited --test
STUDY/projects/test`` takes the folder ``study`` of ``napari-imseg reproduce actis``. Of one network, the
best of generation 0 of a run, it searches thresholds on validation images that are drawn at random, and
measures AP.50 (precision times recall) of the test images with them. Not part of ``make bench``.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.thresholds import Pairs, matches_with, mean_ap50
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.prediction import load_member, predict_image
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.validation import THRESHOLD_SEARCHES
from napari_imseg.nets.devices import choose
from napari_imseg.project.project import Project
from napari_imseg.project.records import Split


def predicted(project: Project, member: Path, split: Split | None) -> Pairs:
    """What a member says of labeled images, and their labels."""
    network, pairs = load_member(member, choose("cpu")), []
    for record in project.labeled(split):
        truth = project.read_label(record.id)
        assert truth is not None
        pairs.append((predict_image(network, project.network_image(record.id)), truth))
    return pairs


def drawn(pairs: Pairs, images: int, draws: int) -> list[NDArray[np.int64]]:
    """Validation images that take part; all of them once."""
    rng = np.random.default_rng(0)
    times = 1 if images == len(pairs) else draws
    return [rng.choice(len(pairs), images, replace=False) for _ in range(times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--run", default="r001")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    with Project.open(arguments.project) as project, Project.open(arguments.test) as other:
        member = find_generation(project, f"{arguments.run}-g0").members(project)[0]
        validation, test = predicted(project, member, "validation"), predicted(other, member, None)

    @cache
    def quality(foreground: float, seed: float) -> float:
        return mean_ap50(matches_with(test, foreground, seed))

    usual = WatershedOptions()
    print(f"usual thresholds {quality(usual.foreground_threshold, usual.seed_threshold):.3f}")
    for images in sorted({1, 3, 10, 30, len(validation)}):
        told = [f"{images} validation images"]
        for name, search in THRESHOLD_SEARCHES.items():
            found = [
                search(*zip(*(validation[place] for place in places), strict=True))
                for places in drawn(validation, images, arguments.draws)
            ]
            scores = [quality(one.foreground, one.seed) for one in found]
            told.append(f"{name} {np.mean(scores):.3f} ± {np.std(scores):.3f}")
        print("; ".join(told), flush=True)


if __name__ == "__main__":
    main()
