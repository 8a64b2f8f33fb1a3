"""The whole loop on images that the project draws itself; a simulated person corrects the queue."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from napari_imseg import rankings
from napari_imseg.cli.interrupt import stops_on_interrupt
from napari_imseg.cli.measuring import measure
from napari_imseg.cli.queue import ranked
from napari_imseg.cli.run_display import RunDisplay
from napari_imseg.cli.segmenting import load_model, read_normalised, sources
from napari_imseg.cli.story import Picture, Place, Quality, Story
from napari_imseg.cli.terminal import messages
from napari_imseg.core.problem import Task
from napari_imseg.engine.events import Event, Failed, RunStarted, Stopped
from napari_imseg.engine.process import follow, start
from napari_imseg.engine.results import results
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project
from napari_imseg.project.thumbnails import make as make_thumbnail
from napari_imseg.synthetic.dataset import KINDS, write_dataset

KIND = "nuclei-instances"
STEPS = 7
PICTURES = 5


@dataclass(frozen=True)
class Plan:
    """How large the demo is; the defaults fit two CPU cores and a few minutes.

    Attributes
    ----------
    images, side
        Images of the project, their height and width.
    first_labels, corrections
        Labels at the start, and labels that the simulated person adds.
    held_out
        Images that measure quality and are never in the project.
    minutes
        Most that one training of networks may last.
    """

    images: int = 60
    side: int = 128
    first_labels: int = 12
    corrections: int = 8
    held_out: int = 24
    generations: int = 2
    students: int = 2
    epochs: int = 30
    minutes: float = 2.0
    seed: int = 1


@dataclass
class DemoLoop:
    """Plays the loop once in ``folder`` and collects what the report tells."""

    folder: Path
    plan: Plan = field(default_factory=Plan)
    story: Story = field(default_factory=Story)

    def play(self) -> Story:
        """Play every step.

        Raises
        ------
        ProjectError
            A training failed or was stopped.
        """
        plan, story = self.plan, self.story
        few, more = plan.first_labels, plan.first_labels + plan.corrections
        with self._step(
            "draw", f"draw {plan.images} images of nuclei, and {plan.held_out} to measure quality"
        ):
            self._draw_images()
        with self._step("new", f"make a project with {few} labeled images"):
            self._make_project()
        with self._step("reference", "train a pixel classifier on them, as a reference"):
            run = self._train(few, "pixel-classifier", 0)
            self._measure("pixel classifier", f"{run}-g0", few)
        with self._step(
            "train", f"train {plan.generations} generations of networks with inconsistency masks"
        ):
            run = self._train(few, "inconsistency-masks", plan.generations)
            story.start = self._measure("first networks (labels alone)", f"{run}-g0", few)
            self._measure("best networks", "best", few)
        with self._step("correct", f"label the first {plan.corrections} images of the queue"):
            self._correct()
        with self._step("train again", f"train again with {more} labels"):
            run = self._train(more, "pixel-classifier", 0)
            story.reference = self._measure("pixel classifier", f"{run}-g0", more)
            self._train(more, "inconsistency-masks", plan.generations)
            story.end = self._measure("best networks", "best", more)
        with self._step("instances", "find instances in held-out images"):
            self._find_instances("best")
        return story

    @property
    def project(self) -> Path:
        """Folder of the project."""
        return self.folder / "project"

    @contextmanager
    def _step(self, name: str, words: str) -> Iterator[None]:
        """Tell what happens, and remember how long it took."""
        messages().rule(f"{len(self.story.seconds) + 1} of {STEPS}: {words}", align="left", characters="─")
        started = time.monotonic()
        yield
        self.story.seconds[name] = time.monotonic() - started

    def _draw_images(self) -> None:
        shape = (self.plan.side, self.plan.side)
        write_dataset(KIND, self.folder / "cells", self.plan.images, self.plan.seed, shape=shape)
        write_dataset(KIND, self.folder / "held-out", self.plan.held_out, self.plan.seed + 1, shape=shape)
        self.story.held_out = self.plan.held_out

    def _make_project(self) -> None:
        """The first labels are those of images drawn at random, as a person would begin."""
        labels = sorted((self.folder / "cells" / "labels").iterdir())
        first = np.random.default_rng(self.plan.seed).permutation(len(labels))[: self.plan.first_labels]
        chosen = self.folder / "first-labels"
        chosen.mkdir()
        for index in first:
            shutil.copy(labels[index], chosen)
        images = self.folder / "cells" / "images"
        Project.create(
            self.project,
            images=images,
            labels=chosen,
            task=Task.INSTANCES,
            classes=KINDS[KIND].classes,
            validation=0.25,
            name="demo",
        ).close()

    def _train(self, labels: int, method: str, generations: int) -> str:
        """Train in a process of its own, as every training; returns the name of the run."""
        plan = self.plan
        networks = method != "pixel-classifier"
        settings = RunSettings(
            method=method,
            generations=generations,
            students=plan.students if networks else 1,
            top_k=2 if networks else 1,
            epochs=plan.epochs,
            minutes=plan.minutes,
            seed=plan.seed,
        )
        run = start(self.project, settings)
        events: list[Event] = []
        with stops_on_interrupt(run), RunDisplay() as display:
            for event in follow(run):
                display.show(event)
                events.append(event)
        if isinstance(events[-1], Failed | Stopped):
            raise ProjectError(f"{events[-1].message} (the project of the demo is {self.project})")
        if networks:
            self.story.runs[f"{labels} labels"] = events
        self.story.device = next(event.device for event in events if isinstance(event, RunStarted))
        return run.name

    def _measure(self, model: str, generation: str, labels: int) -> int:
        """Measure a generation on the held-out images; returns its place among the qualities."""
        held_out = self.folder / "held-out"
        with Project.open(self.project) as project:
            measured = measure(load_model(project, generation), held_out / "images", held_out / "labels")
        self.story.qualities.append(Quality(model, labels, measured.metrics.overall))
        return len(self.story.qualities) - 1

    def _correct(self) -> None:
        """Show the networks' queue to a person who knows the truth."""
        rows = ranked(self.project, rankings.DEFAULT, self.plan.corrections)
        with Project.open(self.project) as project:
            generation = project.catalog.current_generation or "best"
            for row in rows:
                truth = tifffile.imread(self.folder / "cells" / "labels" / Path(row["path"]).name).astype(
                    np.int32
                )
                stored = project.read_prediction(generation, row["image"])
                picture = Picture(
                    Path(row["path"]).stem.removeprefix(f"{KIND}_"),
                    project.thumbnail(row["image"], self.plan.side),
                    stored.pseudo_label_H_W,
                    stored.im_H_W,
                    truth,
                )
                self.story.queue.append(Place(picture, row["score"], row["reason"]))
                project.write_label(row["image"], truth)

    def _find_instances(self, generation: str) -> None:
        held_out = self.folder / "held-out"
        with Project.open(self.project) as project:
            model = load_model(project, generation)
            planned = sources([held_out / "images"], self.folder / "predictions", project.info.channels)
            for source in planned[:PICTURES]:
                made = results(model, read_normalised(model, source), ("labels", "im"))
                self.story.instances.append(
                    Picture(
                        source.path.stem.removeprefix(f"{KIND}_"),
                        make_thumbnail(tifffile.imread(source.path)[None], self.plan.side),
                        made["labels"],
                        made["im"],
                        tifffile.imread(held_out / "labels" / source.path.name).astype(np.int32),
                        made["labels"],
                    )
                )
