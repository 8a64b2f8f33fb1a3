"""The picture report, from values that nobody trained for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_imseg.cli.report import improved, verdict, write_report
from napari_imseg.cli.story import Picture, Place, Quality, Story
from napari_imseg.engine.events import Epoch, Event, GenerationFinished


def picture(name: str, rng: np.random.Generator) -> Picture:
    rows, columns = np.mgrid[:64, :64]
    truth = np.zeros((64, 64), np.int32)
    for number, (row, column) in enumerate(rng.integers(8, 56, (6, 2)), start=1):
        truth[(rows - row) ** 2 + (columns - column) ** 2 < 40] = number
    gray = np.where(truth > 0, 180, 60) + rng.integers(0, 40, truth.shape)
    im = np.zeros((64, 64), bool)
    im[20:34, 20:40] = True
    image = np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)
    return Picture(name, image, (truth > 0).astype(np.int32), im, truth, truth)


def events(generations: int) -> list[Event]:
    made: list[Event] = []
    for generation in range(generations):
        for student in range(2):
            made += [
                Epoch(
                    generation=generation,
                    student=student,
                    epoch=epoch,
                    epochs=4,
                    losses={"supervised": 0.5 / epoch},
                    metric_name="iou",
                    metric=0.5 + 0.1 * epoch if epoch % 2 == 0 else None,
                    best=None,
                    seconds_left=None,
                )
                for epoch in range(1, 5)
            ]
        made.append(
            GenerationFinished(
                generation=generation,
                teachers=["a", "b"],
                metric_name="iou",
                score=0.8,
                im_fraction=0.03,
                im_relative=0.2 / (generation + 1),
                kept=4,
                dropped=0,
            )
        )
    return made


@pytest.fixture
def story() -> Story:
    rng = np.random.default_rng(0)
    pictures = [picture(f"cells_{number}", rng) for number in range(5)]
    return Story(
        qualities=[
            Quality("pixel classifier <12>", 12, {"iou": 0.7, "dice": 0.8, "ap50_pr": 0.5}),
            Quality("first network", 12, {"iou": 0.6, "dice": 0.7, "ap50_pr": 0.4}),
            Quality("last model", 18, {"iou": 0.8, "dice": 0.9, "ap50_pr": 0.7}),
        ],
        runs={"first labels": events(3), "with corrections": events(1)},
        queue=[Place(each, 0.3, "networks disagree on 30.1 % of the foreground") for each in pictures],
        instances=pictures[:3],
        seconds={"train": 100.0, "correct": 2.0},
        device="2 CPU cores",
        held_out=8,
        start=1,
        end=2,
        reference=0,
    )


def test_report_is_one_page_with_every_figure(story: Story, tmp_path: Path) -> None:
    page = write_report(story, tmp_path)
    text = page.read_text(encoding="utf-8")
    for name in ("disagreement", "queue", "curves", "quality", "instances"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
        assert f'<section id="{name}">' in text
    assert text.count("data:image/png;base64,") == 5
    assert "http" not in text
    assert "pixel classifier &lt;12&gt;" in text


def test_verdict_says_what_the_loop_gained(story: Story) -> None:
    assert verdict(story) == (
        "The last model is better than the first network: ap50_pr 0.400 → 0.700; "
        "it is above the pixel classifier <12> with the same 12 labels (0.500)."
    )
    assert improved(story)


def test_verdict_is_honest_when_nothing_was_gained(story: Story) -> None:
    story.start, story.end = 2, 1
    assert "NOT better" in verdict(story)
    assert "NOT above" in verdict(story)
    assert not improved(story)
