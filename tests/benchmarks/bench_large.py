"""S14: memory and time of a large image, from its file to the file of its instances.

``python -m tests.benchmarks.bench_large [--sides 2000,5000,10000]`` prints a table; 20000 is the
size of the target, and takes about 10 GB of disk. Under pytest the target is asserted on small
images. A network that only looks at each pixel stands in for a trained one, whose own memory does
not depend on the image. Each size has a process of its own, whose peak of resident memory
includes the pages of the image file that are mapped into it.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import tifffile
from numpy.typing import NDArray

from napari_imseg.core.problem import Problem, Task
from napari_imseg.core.watershed_options import WatershedOptions
from napari_imseg.engine.large import LargeImage, segment_large
from napari_imseg.engine.model import Model
from napari_imseg.engine.prediction import Ensemble
from tests.core.scenes import discs

TARGET_GIGABYTES = 2.0
CELL = 512
"""Side of the scene of touching objects that is repeated all over the image."""


class Brightness:
    """Bright is interior, grey is boundary."""

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        interior = images_B_C_H_W
        boundary = np.minimum(interior, 1 - interior)
        return np.concatenate([1 - interior - boundary, interior, boundary], axis=1)

    def save(self, path: Path) -> None:
        raise AssertionError("not saved here")


def write_image(path: Path, side: int) -> None:
    """Touching objects, brightest in their middles, in an uncompressed TIFF of 8 bits."""
    rng = np.random.default_rng(0)
    ids = discs(rng, CELL, CELL**2 // 700, radius=12)
    bright = np.zeros(int(ids.max()) + 1, np.float32)
    bright[1:] = rng.uniform(0.6, 1, len(bright) - 1)
    inner = (ids == np.roll(ids, 1, 0)) & (ids == np.roll(ids, 1, 1)) & (ids > 0)
    scene = (255 * bright[ids] * np.where(inner, 1, 0.4)).astype(np.uint8)
    image = tifffile.memmap(path, shape=(side, side), dtype=np.uint8)
    for top in range(0, side, CELL):
        rows = min(CELL, side - top)
        image[top : top + rows] = np.tile(scene[:rows], (1, side // CELL + 1))[:, :side]
    image.flush()


def segment(path: Path, side: int) -> dict[str, float]:
    """Instances of one image, in this process."""
    project: Any = SimpleNamespace(
        problem=Problem(Task.INSTANCES, 1, 3), info=SimpleNamespace(intensity="percentile")
    )
    record: Any = SimpleNamespace()
    model = Model(project, record, Ensemble([Brightness()]), WatershedOptions(0.3, 0.5))
    before, started, done = psutil.Process().memory_info().rss, time.perf_counter(), {}
    image = LargeImage(path, None, (1, side, side), path.with_suffix(""))
    for work, _, _ in segment_large(model, image, ("labels",)):
        done[work] = time.perf_counter() - started
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"before": before / 1e9, "peak": peak / 1e9} | done


def measure(side: int) -> dict[str, float]:
    """Figures of one size, of a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "image.tif"
        write_image(path, side)
        command = [sys.executable, "-m", "tests.benchmarks.bench_large", "--one", str(path), str(side)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures: dict[str, float] = json.loads(done.stdout)
        with tifffile.TiffFile(path.with_name("image_labels.tif")) as tiff:
            figures["count"] = max(int(segment.max()) for segment, _, _ in tiff.pages[0].segments())
    return figures


def test_memory_is_bounded() -> None:
    small, large = measure(1500), measure(4000)
    assert large["peak"] <= TARGET_GIGABYTES
    assert large["peak"] <= 1.5 * small["peak"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default="2000,5000,10000")
    parser.add_argument("--one", nargs=2, metavar=("FILE", "SIDE"), help="only print the figures of a file")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(segment(Path(arguments.one[0]), int(arguments.one[1]))))
        return
    print(f"{platform.processor() or platform.machine()}; target: {TARGET_GIGABYTES} GB at 20000 x 20000")
    print("| image | objects | memory before | peak | network, objects, files after |\n|---|---|---|---|---|")
    for side in map(int, arguments.sides.split(",")):
        found = measure(side)
        times = ", ".join(f"{found[work]:.0f} s" for work in ("networks", "objects", "files"))
        print(
            f"| {side} x {side} | {found['count']:.0f} | {found['before']:.2f} GB | {found['peak']:.2f} GB "
            f"| {times} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
