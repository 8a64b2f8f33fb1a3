"""S6, S6b: the search for watershed thresholds, and the watershed that follows two sliders.

``python -m tests.benchmarks.bench_watershed [--images 4] [--sides 128,256,512]`` prints a table;
under pytest the targets are asserted on small images. All times are CPU time of one thread, so
that a busy machine does not change the ratios. Both searches must give the same result. The
time of either is proportional to the number of images.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core.instances import watershed_instances
from napari_imseg.core.interactive import InteractiveWatershed
from napari_imseg.core.thresholds import find_thresholds
from tests.core.scenes import discs, maps_of
from tests.core.test_thresholds import search_by_brute_force

TARGET_RATIO = 20
TARGET_MILLISECONDS = 50
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


def search(side: int, images: int) -> tuple[float, float]:
    """Seconds per image of the search by brute force, and of ours; both in turns."""
    brute, ours = [], []
    for seed in range(images):
        maps, ids = scene(side, seed)
        results = []
        brute.append(seconds(lambda: results.append(search_by_brute_force([maps], [ids]))))  # noqa: B023
        ours.append(seconds(lambda: results.append(find_thresholds([maps], [ids]))))  # noqa: B023
        assert results[0] == results[1]
    return median(brute), median(ours)


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
    brute, ours = search(256, 1)
    assert brute / ours >= TARGET_RATIO


@pytest.mark.parametrize("options", OPTIONS)
def test_sliders_answer_in_time(options: dict[str, Any]) -> None:
    preview, _, equal = sliders(1024, 5, **options)
    assert preview <= TARGET_MILLISECONDS
    assert equal >= 0.998


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--sides", default="128,256,512")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, CPU time of one thread")
    for side in map(int, arguments.sides.split(",")):
        brute, ours = search(side, arguments.images)
        print(
            f"search {side} x {side}: {brute:.2f} s an image by brute force, {ours:.3f} s ours, "
            f"{brute / ours:.1f}x (target {TARGET_RATIO}x), same result"
        )
    for options in OPTIONS:
        preview, final, equal = sliders(1024, 12, **options)
        print(
            f"sliders 1024 x 1024, {options or 'default'}: preview {preview:.0f} ms (target "
            f"{TARGET_MILLISECONDS}), final {final:.0f} ms, {100 * equal:.2f} % of object pixels equal"
        )


if __name__ == "__main__":
    main()
