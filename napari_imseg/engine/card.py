"""A page for people in the folder of a run: what was trained on what, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.engine.room import Room
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.story import story


def write_card(room: Room, records: Sequence[GenerationRecord]) -> None:
    """Write ``card.md`` into the run folder, while what was curated is still there."""
    run, settings, sets = room.run, room.settings, room.sets
    method = find_method(settings.method)
    lines = [
        f"# Run {run.name}: {method.title}",
        "",
        f"Method `{method.name}` ({method.source}){_loss(room)}.",
        "",
        f"- Labeled images: {len(sets.labeled)} to train on, {len(sets.validation)} to validate.",
        f"- Unlabeled images: {len(sets.unlabeled)}.",
        f"- Seed {settings.seed}; teachers of a generation: {_teachers(records)}.",
        "- Training cost (operations of a forward pass x steps x epochs, EvalNets included): "
        f"{sum(each.cost for each in records) / 1e9:,.4g} GFLOP, counted as one crop a step.",
        "",
        "## What was trained on what",
        "",
        *story(room, records),
        "",
        "## Figures",
        "",
        *_figures(records),
        "",
        "Settings that differ from the defaults:",
        "",
        *_changes(settings),
    ]
    (run.folder / "card.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _figures(records: Sequence[GenerationRecord]) -> Iterator[str]:
    """A table of the generations, and one of their members."""
    yield (
        "| generation | teachers | metric | score | mean IM size (fraction) | images that taught the next "
        "| cost (GFLOP) |"
    )
    yield "|---|---|---|---|---|---|---|"
    for record in records:
        teachers = ", ".join([*record.teachers, *record.foreign])
        yield (
            f"| {record.generation} | {teachers} | {record.metric_name} | "
            f"{_number(record.score)} | {_number(record.im_fraction)} | {record.kept} "
            f"| {record.cost / 1e9:,.4g} |"
        )
    yield from ("", "| generation | member | validation score | validation images |", "|---|---|---|---|")
    for record in records:
        for member in record.scores:
            yield f"| {record.generation} | {member.name} | {_number(member.score)} | {member.images} |"


def _changes(settings: RunSettings) -> list[str]:
    """Settings that are not the defaults."""
    changed = settings.model_dump(exclude_defaults=True) | {
        f"{of}_settings": _changed(name, given)
        for of, name, given in (
            ("method", settings.method, settings.method_settings),
            ("objective", settings.objective, settings.objective_settings),
        )
    }
    return [f"- `{name}` = {value}" for name, value in changed.items() if value != {}] or ["- none"]


def _teachers(records: Sequence[GenerationRecord]) -> str:
    """How many students were teachers, where any was trained."""
    return " or ".join(map(str, sorted({len(record.teachers) for record in records} - {0})))


def _loss(room: Room) -> str:
    """With which loss the students of a curator were trained."""
    if room.recipe.curator is None:
        return ""
    objective, _ = room.recipe.loss(1)
    return f"; its students were trained with `{objective.name}` ({objective.source})"


def _changed(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Settings of a method that are not its defaults."""
    kind = find_method(method).Settings
    return kind.checked(given).model_dump(mode="json", exclude_defaults=True)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
