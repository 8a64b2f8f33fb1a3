"""The picture report of the demo: one self-contained HTML page, and every figure as PNG."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from html import escape
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from napari_imseg import __version__
from napari_imseg.cli import figures
from napari_imseg.cli.story import Quality, Story

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .3rem .8rem; text-align: right }
th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid #ddd }
tr.strong { font-weight: 600 } img { max-width: 100%; height: auto } .verdict { font-size: 1.15rem }
"""

WIDTH = 11.0
"""Width of every figure in inches."""


def write_report(story: Story, folder: Path) -> Path:
    """Write ``report.html`` and one PNG per figure to ``folder``; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = [_figure_section(*entry, folder) for entry in _figures(story)]
    page = folder / "report.html"
    page.write_text(_page(story, sections), encoding="utf-8")
    return page


def verdict(story: Story) -> str:
    """One honest sentence on whether the loop made a better model than it started with."""
    start, end = story.qualities[story.start], story.qualities[story.end]
    reference = story.qualities[story.reference]
    name = main_metric(end)
    before, after, other = start.metrics[name], end.metrics[name], reference.metrics[name]
    change = "better" if after > before else "NOT better"
    against = "above" if after > other else "NOT above"
    return (
        f"The last model is {change} than the first network: {name} {before:.3f} → {after:.3f}; "
        f"it is {against} the {reference.model} with the same {reference.labels} labels ({other:.3f})."
    )


def improved(story: Story) -> bool:
    """True if the last model beats the one that the loop started with."""
    name = main_metric(story.qualities[story.end])
    return story.qualities[story.end].metrics[name] > story.qualities[story.start].metrics[name]


def main_metric(quality: Quality) -> str:
    """The metric that the verdict is about: objects found where there are objects."""
    return next(name for name in ("ap50_pr", "iou", "miou", "dice") if name in quality.metrics)


def _shown_metrics(quality: Quality) -> list[str]:
    wanted = ("iou", "dice", "miou", "ap50_pr", "f1_50")
    return [name for name in wanted if name in quality.metrics]


def _figures(story: Story) -> Iterator[tuple[str, str, str, float, Callable[[Figure], None]]]:
    """File name, title, caption, height in inches and painter of every figure."""
    pictures = [place.picture for place in story.queue[:5]]
    yield (
        "disagreement",
        "Where the networks disagree",
        "Blue outline: what most networks call foreground. Orange, hatched where it is wide: the "
        "inconsistency mask, where they disagree. Below: the truth, which they have never seen.",
        6.6,
        lambda figure: figures.draw_disagreement(figure, pictures),
    )
    yield (
        "queue",
        "The queue",
        "The images whose labels teach most come first, each with its reason. These were corrected.",
        3.1,
        lambda figure: figures.draw_queue(figure, story.queue[:5]),
    )
    yield (
        "curves",
        "Training",
        "Every line is one student; each generation has its colour.",
        3.6,
        lambda figure: figures.draw_curves(figure, story.runs),
    )
    yield (
        "quality",
        "Quality",
        f"Measured on {story.held_out} images that were never in the project. ap50_pr is precision times "
        "recall of objects that overlap a true one by half or more; 1 is perfect.",
        0.8 * len(story.qualities) + 0.9,
        lambda figure: figures.draw_quality(figure, story.qualities, _shown_metrics(story.qualities[0])),
    )
    if story.instances:
        yield (
            "instances",
            "Instances on held-out images",
            "Above: found by watershed on the networks' probabilities. Below: the truth.",
            4.8,
            lambda figure: figures.draw_instances(figure, story.instances),
        )


def _figure_section(
    name: str, title: str, caption: str, height: float, draw: Callable[[Figure], None], folder: Path
) -> str:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    draw(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    (folder / f"{name}.png").write_bytes(buffer.getvalue())
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<section id="{name}"><h2>{escape(title)}</h2><p>{escape(caption)}</p>'
        f'<img alt="{escape(title)}" src="data:image/png;base64,{encoded}"></section>'
    )


def _page(story: Story, sections: list[str]) -> str:
    total = sum(story.seconds.values())
    steps = "; ".join(f"{escape(name)} {seconds:.0f} s" for name, seconds in story.seconds.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>napari-imseg demo</title><style>{STYLE}</style></head><body>"
        f"<h1>napari-imseg: label the images that teach most</h1>"
        f'<p class="verdict">{escape(verdict(story))}</p>'
        f"{_quality_table(story)}{''.join(sections)}"
        f"<h2>How long it took</h2><p>{total:.0f} s on {escape(story.device)}: {steps}.</p>"
        f"<p>Made by napari-imseg {__version__} from images that its own generator drew.</p></body></html>\n"
    )


def _quality_table(story: Story) -> str:
    names = _shown_metrics(story.qualities[0])
    strong = {story.start % len(story.qualities), story.end % len(story.qualities)}
    head = "".join(f"<th>{escape(name)}</th>" for name in ("model", "labels", *names))
    rows = ""
    for index, quality in enumerate(story.qualities):
        values = "".join(f"<td>{quality.metrics[name]:.3f}</td>" for name in names)
        kind = ' class="strong"' if index in strong else ""
        rows += f"<tr{kind}><td>{escape(quality.model)}</td><td>{quality.labels}</td>{values}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
