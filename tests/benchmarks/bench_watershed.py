"""S6, S6b: the search for watershed thresholds, and the watershed that follows two sliders.

``python -m tests.benchmarks.bench_watershed [--images 4] [--sides 128,256,512]`` prints a table, with
``--project PROJECT --labels FOLDER`` of a network's predictions as well; under pytest the targets are
asserted on small images. All times are CPU time of one thread, so that a busy machine does not change the
ratios. The released search must give the same result as brute force.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.interactive import InteractiveWatershed
from napari_imseg.core.released_thresholds import released_thresholds
from napari_imseg.core.thresholds import GRID, SEEDS, Thresholds, find_thresholds
from napari_imseg.project.foreign_labels import read_label_file
from napari_imseg.project.project import Project
from tests.core.scenes import discs, maps_of
from tests.core.test_released_thresholds import search_by_brute_force

TARGET_RATIO = 20
TARGET_MILLISECONDS = 50
THRESHOLDS = 2 * len(GRID)
PAIRS = len(GRID) * len(SEEDS)
PIXELS_PER_OBJECT = 1450
"""180 nuclei in an image of 512 x 512."""

OPTIONS: list[dict[str, Any]] = [{}, {"drop_seedless": False, "fill_holes": True, "minimum_size": 20}]
"""The default of the panel, and everything that costs more."""

Scene = tuple[NDArray[np.float32], NDArray[np.int32]]


def scene(side: int, seed: int) -> Scene:
    """Three-class maps of many nuclei, some of them touching, and the truth."""
    rng = np.random.default_rng(seed)
    ids = discs(rng, side, side**2 // PIXELS_PER_OBJECT, radius=8)
    return maps_of(ids, rng, noise=0.3), ids


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def predicted(project: Project, labels: Path, images: int) -> list[Scene]:
    """What the first run of a project said of unlabeled images, and the truth in a folder, by name."""
    found = []
    for record in project.unlabeled()[:images]:
        maps = project.read_prediction("r001-g0", record.id).probabilities_C_H_W
        assert maps is not None
        found.append((maps, read_label_file(labels / Path(record.path).name, maps[0].size).astype(np.int32)))
    return found


def search(scenes: list[Scene]) -> tuple[float, float, float]:
    """Seconds per image: the released search by brute force, the same as it is, and that of all pairs."""
    maps, ids = map(list, zip(*scenes, strict=True))
    released_thresholds(maps[:1], ids[:1])  # what is imported at the first call
    results: list[Thresholds] = []
    released = seconds(lambda: results.append(released_thresholds(maps, ids)))
    brute = seconds(lambda: results.append(search_by_brute_force(maps, ids)))
    pooled = seconds(lambda: find_thresholds(maps, ids))
    assert results[0] == results[1]
    return brute / len(scenes), released / len(scenes), pooled / len(scenes)


def sliders(side: int, rounds: int, **options: Any) -> tuple[float, float, float]:
    """Milliseconds of a preview and of the final watershed, and the share of equal object pixels.

    Parameters
    ----------
    options
        Of `watershed_instances`, beside the thresholds.
    """
    maps, _ = scene(side, 0)
    flood = InteractiveWatershed(maps)
    flood.preview(0.5, 0.5)  # what scikit-image imports at its first call
    previews, finals, equal = [], [], []
    for step in range(rounds):
        cut = 0.3 + 0.04 * (step // 2), 0.5 + 0.04 * ((step + 1) // 2)  # one slider after the other
        previews.append(seconds(lambda: flood.preview(*cut, **options)))  # noqa: B023
        finals.append(seconds(lambda: watershed_instances(maps, *cut, **options)))  # noqa: B023
        seen, final = flood.preview(*cut, **options), watershed_instances(maps, *cut, **options)
        equal.append(float((seen == final)[(seen > 0) | (final > 0)].mean()))
    return 1000 * median(previews), 1000 * median(finals), median(equal)


def test_search_reaches_its_target() -> None:
    brute, _, pooled = search([scene(256, seed) for seed in range(2)])
    assert PAIRS * brute / THRESHOLDS / pooled >= TARGET_RATIO


def test_released_search_reaches_its_target() -> None:
    brute, released, _ = search([scene(256, seed) for seed in range(2)])
    assert brute / released >= TARGET_RATIO


@pytest.mark.parametrize("options", OPTIONS)
def test_sliders_answer_in_time(options: dict[str, Any]) -> None:
    preview, _, equal = sliders(1024, 5, **options)
    assert preview <= TARGET_MILLISECONDS
    assert equal >= 0.998


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--sides", default="128,256,512")
    parser.add_argument("--project", help="search on its predictions, too")
    parser.add_argument("--labels", type=Path, help="the true labels of its unlabeled images")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, CPU time of one thread")
    sides = map(int, arguments.sides.split(","))
    cases = {f"{side} x {side}": [scene(side, n) for n in range(arguments.images)] for side in sides}
    if arguments.project:
        with Project.open(arguments.project) as project:
            cases["predictions"] = predicted(project, arguments.labels, arguments.images)
    for name, scenes in cases.items():
        brute, released, pooled = search(scenes)
        print(
            f"search {name}: 180 thresholds {brute:.2f} s an image by brute force, {released:.3f} s ours, "
            f"{brute / released:.1f}x (target {TARGET_RATIO}x), same result; {PAIRS} pairs {pooled:.3f} s, "
            f"{PAIRS * brute / THRESHOLDS / pooled:.0f}x, if each took brute force as long as one of these"
        )
    for options in OPTIONS:
        preview, final, equal = sliders(1024, 12, **options)
        print(
            f"sliders 1024 x 1024, {options or 'default'}: preview {preview:.0f} ms (target "
            f"{TARGET_MILLISECONDS}), final {final:.0f} ms, {100 * equal:.2f} % of object pixels equal"
        )


if __name__ == "__main__":
    main()
