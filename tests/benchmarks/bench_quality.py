"""L8 and L10: what inconsistency masks reach with few labels of real images, against the pixel classifier.

``python -m tests.benchmarks.bench_quality --data DIR --labeled 20 --minutes 15 --seeds 3 --out DIR``

``DIR`` holds ``images/`` and ``labels/`` with the same names. Instance ids count as one class, which is
measured by IoU, or with ``--task instances`` as objects, which are measured by AP.50 (precision x recall).
For each seed, ``labeled`` random images have their label, the others are unlabeled; 100 images
(the same for every seed) are never in the project and are the test set. What is done is kept in
``--out`` and not done again. Prints a table with the mean and its 95 % interval over the seeds.
Anything after ``--`` is a setting of the method or the run: ``-- blocking=black warm_start=false``.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import stats

from napari_imseg.cli.assignments import run_settings
from napari_imseg.core.intensity import normalise
from napari_imseg.core.problem import Task
from napari_imseg.engine import process
from napari_imseg.engine.evaluation import metrics_of_label
from napari_imseg.engine.events import Failed
from napari_imseg.engine.model import Model
from napari_imseg.engine.records import find_generation
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project

TEST_IMAGES = 100
METRIC = {Task.SEMANTIC: "iou", Task.INSTANCES: "ap50_pr"}


def split(
    data: Path, labeled: int, seed: int, tested: int = TEST_IMAGES
) -> tuple[list[str], list[str], list[str]]:
    """Names of the labeled, the unlabeled and the test images."""
    names = sorted(path.name for path in (data / "images").iterdir())
    order = [names[place] for place in np.random.default_rng(12345).permutation(len(names))]
    test, rest = order[:tested], order[tested:]
    chosen = set(np.random.default_rng(seed).choice(rest, labeled, replace=False).tolist())
    return sorted(chosen), sorted(set(rest) - chosen), sorted(test)


def make_project(data: Path, folder: Path, labeled: list[str], unlabeled: list[str], task: Task) -> Project:
    """A project of copies, so that nothing is written beside the data."""
    for kind, names in (("images", labeled + unlabeled), ("labels", labeled)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / kind / name).write_bytes((data / kind / name).read_bytes())
    return Project.create(
        folder / "project",
        images=folder / "images",
        labels=folder / "labels",
        task=task,
        classes=("object",),
    )


def train(project: Project, settings: RunSettings) -> str:
    """Name of the run, when it is complete."""
    run = process.start(project.folder, settings)
    for event in process.follow(run):
        if isinstance(event, Failed):
            raise RuntimeError(event.message)
    return run.name


def truth(data: Path, name: str, task: Task) -> NDArray[np.int32]:
    """True foreground, or objects, of an image."""
    label = tifffile.imread(data / "labels" / name).astype(np.int32)
    return label if task is Task.INSTANCES else (label > 0).astype(np.int32)


def quality(project: Project, generation: str, data: Path, names: list[str]) -> float:
    """Mean of the metric of a generation over images that were never in the project."""
    model = Model.load(project, find_generation(project, generation))
    task, scores = project.info.task, []
    for name in names:
        pixels = tifffile.imread(data / "images" / name)
        channels_first = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels[None]
        label = model.label(model.ensemble.mean(normalise(channels_first, project.info.intensity)))
        scores.append(metrics_of_label(project.problem, truth(data, name, task), label)[METRIC[task]])
    return float(np.mean(scores))


def spearman(project: Project, generation: str, data: Path) -> float:
    """Correlation of relative IM size with 1 - the metric over the unlabeled images."""
    task, sizes = project.info.task, project.catalog.scores(generation, "im-relative")
    ids, errors = list(sizes), []
    for image_id in ids:
        true = truth(data, Path(project.catalog.image(image_id).path).name, task)
        label = project.read_prediction(generation, image_id).pseudo_label_H_W
        errors.append(1 - metrics_of_label(project.problem, true, label)[METRIC[task]])
    return float(stats.spearmanr([sizes[image_id] for image_id in ids], errors).statistic)


def one_seed(
    data: Path, out: Path, task: Task, labeled: int, minutes: float, seed: int, changes: list[str]
) -> dict[str, float]:
    """Figures of one seed; read back if they are known."""
    name = "-".join([task, f"labeled{labeled}", f"minutes{minutes:g}", *changes, f"seed{seed}"])
    result = out / f"{name}.json"
    if result.exists():
        known: dict[str, float] = json.loads(result.read_text())
        return known
    labeled_names, unlabeled_names, test_names = split(data, labeled, seed)
    folder = out / name
    with make_project(data, folder, labeled_names, unlabeled_names, task) as project:
        flags = {"minutes": minutes, "seed": seed, "generations": 2}
        im = train(project, run_settings("inconsistency-masks", None, changes, flags))
        forest = train(project, RunSettings(method="pixel-classifier", students=1, top_k=1, seed=seed))
        models = {f"generation {number}": f"{im}-g{number}" for number in range(3)}
        models["pixel classifier"] = f"{forest}-g0"
        figures = {
            f"{METRIC[task]} of {title}": quality(project, generation, data, test_names)
            for title, generation in models.items()
        }
        figures |= {
            f"Spearman of im-relative and 1 - {METRIC[task]}, generation {number}": spearman(
                project, f"{im}-g{number}", data
            )
            for number in range(3)
        }
    result.write_text(json.dumps(figures, indent=1))
    return figures


def interval(values: list[float]) -> float:
    """Half of the 95 % interval of the mean (Student's t); NaN for one value."""
    if len(values) < 2:
        return math.nan
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark of quality is asked for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", type=Task, choices=list(METRIC), default=Task.SEMANTIC)
    parser.add_argument("--labeled", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("settings", nargs="*", help="settings: blocking=black")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = [
        one_seed(
            arguments.data,
            arguments.out,
            arguments.task,
            arguments.labeled,
            arguments.minutes,
            seed,
            arguments.settings,
        )
        for seed in range(arguments.seeds)
    ]
    print("| figure | mean | 95 % interval | per seed |\n|---|---|---|---|")
    for name in rows[0]:
        values = [row[name] for row in rows]
        each = ", ".join(f"{value:.3f}" for value in values)
        print(f"| {name} | {np.mean(values):.3f} | ± {interval(values):.3f} | {each} |")


if __name__ == "__main__":
    main()
