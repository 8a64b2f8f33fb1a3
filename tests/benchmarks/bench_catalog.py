"""S12: opening a large project, its queue and its memory; and what saving a label costs.

``python -m tests.benchmarks.bench_catalog [--rounds 15]`` prints a table; under pytest the
targets are asserted. Catalogs are filled without image files, and all sizes are measured
in turns, so that a busy machine slows all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import tifffile
from skimage.filters import gaussian

from napari_imseg import rankings
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.project import Project
from napari_imseg.project.records import NewFile, NewImage

SIZES = (1_000, 10_000, 100_000)
RANKING, GENERATION = "im-size", "r001-g0"
BESIDE = rankings.QUALITY
"""Told with each row, as in the dock."""

MEMORY = """
import sys
import psutil
from pathlib import Path
from napari_imseg.project.catalog import Catalog
def use(path):
    catalog = Catalog(Path(path))
    catalog.page("im-size", "r001-g0", 0, 50, beside="predicted-quality")
    catalog.count("unlabeled")
    return catalog
use(sys.argv[1]).close()  # what Python and SQLite need once
before = psutil.Process().memory_info().rss
held = use(sys.argv[2])
print(psutil.Process().memory_info().rss - before)
"""


def fill(path: Path, images: int) -> None:
    """A catalog of which a tenth is labeled and nine tenths have scores."""
    names = [f"image-{number:06d}-0123456789ab" for number in range(images)]
    catalog = Catalog(path, create=True)
    catalog.add_files(
        NewFile(
            f"../images/well_{number // 100:04d}/image_{number:06d}.tif",
            f"2097152-{number:020x}",
            number,
            f"well_{number // 100:04d}",
            [NewImage(name, None, None, (1, 1024, 1024), "uint16")],
        )
        for number, name in enumerate(names)
    )
    catalog.record_labels(dict.fromkeys(names[::10], "labeled"), 0.15, 0)
    scores = np.random.default_rng(0).random(images * 9 // 10)
    for ranking in (RANKING, BESIDE):
        catalog.set_scores(GENERATION, ranking, dict(zip(names, scores.tolist(), strict=False)))
    catalog.close()


def in_turns(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each piece of work, one round of all after the other."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, call in work.items():
            started = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - started))
    return {name: median(values) for name, values in times.items()}


def open_and_show(path: Path) -> None:
    """What the dock does first."""
    catalog = Catalog(path)
    catalog.page(RANKING, GENERATION, 0, 50, beside=BESIDE)
    catalog.close()


def queue_figures(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds of the first page after opening, and of pages anywhere in the queue."""
    paths = {size: folder / f"{size}.sqlite" for size in SIZES}
    for size, path in paths.items():
        fill(path, size)
    work: dict[str, Callable[[], object]] = {
        f"open and first page, {size:,} images": lambda path=path: open_and_show(path)
        for size, path in paths.items()
    }
    catalogs = {size: Catalog(path) for size, path in paths.items()}
    for size, catalog in catalogs.items():
        work[f"page in the middle, {size:,} images"] = lambda catalog=catalog, size=size: catalog.page(
            RANKING, GENERATION, size // 2, 50, beside=BESIDE
        )
    figures = in_turns(work, 10 * rounds)  # each takes little more than the system's time slice
    for catalog in catalogs.values():
        catalog.close()
    command = [sys.executable, "-c", MEMORY, str(paths[SIZES[0]]), str(paths[SIZES[-1]])]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    figures["bytes of memory for each image, 100,000 images"] = grown / SIZES[-1]
    return figures


def label_figures(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds to save and read a label of 2048², beside those of the image file."""
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    image = rng.integers(0, 60_000, (2048, 2048), dtype=np.uint16)
    tifffile.imwrite(folder / "images" / "a.tif", image)
    label = (gaussian(rng.normal(size=image.shape), 12) > 0.01).astype(np.int32)
    with Project.create(folder / "project", images=folder / "images", task="semantic") as project:
        name = project.catalog.images()[0].id
        return in_turns(
            {
                "save a label of 2048² (history and disk synchronised)": lambda: project.write_label(
                    name, label
                ),
                "read a label of 2048²": lambda: project.read_label(name),
                "read the image of 2048²": lambda: project.read_image(name),
            },
            rounds,
        )


def measure(rounds: int) -> dict[str, float]:
    """All figures."""
    with tempfile.TemporaryDirectory() as scratch:
        return queue_figures(Path(scratch), rounds) | label_figures(Path(scratch), rounds)


def first_page_ratio(figures: Mapping[str, float], size: int) -> float:
    """First page of a project of ``size`` images relative to one of 1,000."""
    return figures[f"open and first page, {size:,} images"] / figures["open and first page, 1,000 images"]


def test_a_large_project_opens_like_a_small_one() -> None:
    figures = measure(15)
    assert first_page_ratio(figures, 10_000) <= 1.5
    assert first_page_ratio(figures, 100_000) <= 1.5
    assert figures["bytes of memory for each image, 100,000 images"] <= 1024
    assert figures["page in the middle, 100,000 images"] <= 50


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    figures = measure(parser.parse_args().rounds)
    print("| figure | value |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:.2f}{'' if 'bytes' in name else ' ms'} |")
    for size in SIZES[1:]:
        print(f"| first page of {size:,} relative to 1,000 images | {first_page_ratio(figures, size):.2f} |")


if __name__ == "__main__":
    main()
