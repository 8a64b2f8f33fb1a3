"""What two networks learn from labels alone, with one set of training settings or another.

``python -m tests.benchmarks.bench_first_networks --data DIR --labeled 20 --seeds 3 --out DIR
[--task instances] [--test 60] CHOICE [CHOICE ...]``

A choice is settings of a run or its method with commas between them: ``batch_size=8,epochs=5``.
For each seed and choice two networks learn the same labels; printed is what both together reach on
images that were never in the project (IoU, or AP.50 as precision x recall), and the seconds of a network.
"""

from __future__ import annotations

from pathlib import Path

from napari_imseg.cli.assignments import run_settings
from napari_imseg.engine.records import StudentRecord, read_record, record_path
from napari_imseg.project.project import Project
from napari_imseg.project.runs import Run
from tests.benchmarks.bench_quality import METRIC, make_project, parser_of, quality, split, train

UNLABELED = 8
"""A project wants some; nothing is learned from them."""


def figures(project: Project, choice: str, seed: int, data: Path, test: list[str]) -> tuple[float, float]:
    """The metric on the test images, and seconds of a network."""
    flags = {"generations": 0, "students": 2, "seed": seed}
    run = train(project, run_settings("supervised", None, choice.split(","), flags))
    checkpoints = Run.open(project.folder / "runs" / run).checkpoints
    record = read_record(StudentRecord, record_path(checkpoints, 0, 0))
    return quality(project, f"{run}-g0", data, test), record.seconds


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--test", type=int, default=60)
    parser.add_argument("choices", nargs="+")
    arguments = parser.parse_args()
    print(f"| seed | settings | {METRIC[arguments.task]} | seconds |\n|---|---|---|---|")
    for seed in range(arguments.seeds):
        labeled, unlabeled, test = split(arguments.data, arguments.labeled, seed, arguments.test)
        folder = arguments.out / f"{arguments.task}-{arguments.labeled}-{seed}"
        with make_project(arguments.data, folder, labeled, unlabeled[:UNLABELED], arguments.task) as project:
            for choice in arguments.choices:
                score, seconds = figures(project, choice, seed, arguments.data, test)
                print(f"| {seed} | {choice} | {score:.3f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
