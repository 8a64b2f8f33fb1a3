"""A page for people in the folder of a run: what was trained on what, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence

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
        f"- Seed {settings.seed}, {settings.students} students, {settings.top_k} teachers a generation.",
        "",
        "| generation | teachers | metric | score | mean IM size (fraction) | images that taught the next |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {record.generation} | {', '.join([*record.teachers, *record.foreign])} | {record.metric_name} | "
        f"{_number(record.score)} | {_number(record.im_fraction)} | {record.kept} |"
        for record in records
    ]
    lines += ["", "| generation | member | validation score | validation images |", "|---|---|---|---|"]
    lines += [
        f"| {record.generation} | {member.name} | {_number(member.score)} | {member.images} |"
        for record in records
        for member in record.scores
    ]
    changed = settings.model_dump(exclude_defaults=True)
    lines += ["", "Settings that differ from the defaults:", ""]
    lines += [f"- `{name}` = {value}" for name, value in changed.items()] or ["- none"]
    (run.folder / "card.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
