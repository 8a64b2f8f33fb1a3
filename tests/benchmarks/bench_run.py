"""S3 and S5: what a run costs beside the networks themselves.

``python -m tests.benchmarks.bench_run [--images 2000]`` prints two shares:

* S3: time of a training outside forward, backward and optimizer step;
* S5: time of a pass over the unlabeled images outside the forward passes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_imseg.core.problem import Task
from napari_imseg.engine.generations import Generations
from napari_imseg.engine.prediction import Ensemble
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import Training
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from napari_imseg.synthetic.dataset import write_dataset


class Stopwatch:
    """Total time spent in one method of a class."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def watch(self, owner: type, name: str) -> Iterator[None]:
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            result = original(*args, **kwargs)
            self.seconds += time.perf_counter() - started
            return result

        setattr(owner, name, timed)
        try:
            yield
        finally:
            setattr(owner, name, original)


def measure(images: int, epochs: int) -> dict[str, float]:
    """Shares of the time that are not the networks' own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_dataset("nuclei", folder / "data", images + 20, seed=0)
        for path in sorted((folder / "data" / "labels").iterdir())[20:]:
            path.unlink()
        with Project.create(
            folder / "project",
            images=folder / "data" / "images",
            labels=folder / "data" / "labels",
            task=Task.SEMANTIC,
            classes=("nucleus",),
        ) as project:
            settings = RunSettings(method="supervised", students=2, epochs=epochs, workers=1)
            run = Run.create(project.folder, settings.model_dump(mode="json"))
            steps, forward = Stopwatch(), Stopwatch()
            marks: dict[str, float] = {}
            with steps.watch(Training, "_step"), forward.watch(Ensemble, "batch"):
                for event in Generations(project, run, settings, lambda: False).events():
                    marks.setdefault(f"first {event.kind}", event.at)
                    marks[f"last {event.kind}"] = event.at
    training = marks["last student-finished"] - marks["first student-started"]
    pool = marks["last predicted"] - marks["last student-finished"]
    return {
        "S3 share of training outside the step": 1 - steps.seconds / training,
        "S5 everything but the forward passes, relative to them": pool / forward.seconds - 1,
        "seconds of training": training,
        "seconds of the pass": pool,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    print("| figure | value |\n|---|---|")
    for name, value in measure(arguments.images, arguments.epochs).items():
        print(f"| {name} | {value:.3f} |")


if __name__ == "__main__":
    main()
