"""A page for people in the folder of a run: what was trained on what, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.records import GenerationRecord
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training_set import TrainingSet
from napari_imseg.project.runs import Run


def write_card(
    run: Run, settings: RunSettings, records: Sequence[GenerationRecord], sets: TrainingSet
) -> None:
    """Write ``card.md`` into the run folder."""
    method = find_method(settings.method)
    lines = [
        f"# Run {run.name}: {method.title}",
        "",
        f"Method `{method.name}` ({method.source}).",
        "",
        f"- Labeled images: {len(sets.labeled)} to train on, {len(sets.validation)} to validate.",
        f"- Unlabeled images: {len(sets.unlabeled)}.",
        f"- Seed {settings.seed}, {settings.top_k} teachers a generation.",
        "- Training cost (operations of a forward pass x steps x epochs, EvalNets included): "
        f"{sum(each.cost for each in records) / 1e9:,.4g} GFLOP, counted as one crop a step.",
        "",
        "## What was trained on what",
        "",
        *_story(records, settings, sets),
        "",
        "## Figures",
        "",
        "| generation | teachers | metric | score | mean IM size (fraction) | images that taught the next "
        "| cost (GFLOP) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {record.generation} | {', '.join([*record.teachers, *record.foreign])} | {record.metric_name} | "
        f"{_number(record.score)} | {_number(record.im_fraction)} | {record.kept} "
        f"| {record.cost / 1e9:,.4g} |"
        for record in records
    ]
    lines += ["", "| generation | member | validation score | validation images |", "|---|---|---|---|"]
    lines += [
        f"| {record.generation} | {member.name} | {_number(member.score)} | {member.images} |"
        for record in records
        for member in record.scores
    ]
    changed = settings.model_dump(exclude_defaults=True) | {
        f"{of}_settings": _changed(name, given)
        for of, name, given in (
            ("method", settings.method, settings.method_settings),
            ("objective", settings.objective, settings.objective_settings),
        )
    }
    changed = {name: value for name, value in changed.items() if value != {}}
    lines += ["", "Settings that differ from the defaults:", ""]
    lines += [f"- `{name}` = {value}" for name, value in changed.items()] or ["- none"]
    (run.folder / "card.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _changed(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Settings of a method that are not its defaults."""
    kind = find_method(method).Settings
    return kind.checked(given).model_dump(mode="json", exclude_defaults=True)


def _story(records: Sequence[GenerationRecord], settings: RunSettings, sets: TrainingSet) -> Iterator[str]:
    """What each generation learned from, and who of it became teacher."""
    for record, before in zip(records, [None, *records], strict=False):
        if not record.teachers:
            tools = ", ".join(record.foreign)
            yield f"- **Generation {record.generation}:** no network; the masks of {tools} were the teachers."
            continue
        students = len(record.scores) - len(record.foreign)
        yield (
            f"- **Generation {record.generation}:** {students} students learned from "
            f"{_learned(before, settings, sets)}. The best {len(record.teachers)} became teachers "
            f"({record.metric_name} of their ensemble on the validation images: {_number(record.score)})."
        )


def _learned(before: GenerationRecord | None, settings: RunSettings, sets: TrainingSet) -> str:
    if before is None:
        return f"{len(sets.labeled)} labeled images"
    left_out = f" ({before.dropped} were left out)" if before.dropped else ""
    start = ", starting from the weights of the students before them" if settings.warm_start else ""
    return (
        f"the labeled images and from what the teachers of generation {before.generation} say of "
        f"{before.kept} unlabeled ones{left_out}{start}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
