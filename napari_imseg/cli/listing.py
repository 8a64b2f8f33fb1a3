"""What methods and rankings say of themselves, as plain data and as text."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, Literal

from napari_imseg.settings import Settings, bounds_of, step_of

if TYPE_CHECKING:
    from napari_imseg.method import Method
    from napari_imseg.ranking import Ranking


def describe_method(method: type[Method]) -> dict[str, Any]:
    """Name, kind, source and settings of a method, ready for JSON."""
    from napari_imseg.engine.families import family_of

    return {
        "name": method.name,
        "kind": family_of(method),
        "title": method.title,
        "aliases": list(method.aliases),
        "tasks": sorted(str(task) for task in method.tasks),
        "source": method.source,
        "settings": describe_settings(method.Settings),
    }


def describe_ranking(ranking: type[Ranking]) -> dict[str, Any]:
    """Name and source of a ranking, ready for JSON."""
    return {
        "name": ranking.name,
        "title": ranking.title,
        "source": ranking.source,
        "minimum_members": ranking.minimum_members,
        "needs_quality": ranking.needs_quality,
    }


def describe_settings(settings: type[Settings]) -> list[dict[str, Any]]:
    """Every field: name, description, default, bounds, step and choices."""
    described = []
    for name, field in settings.model_fields.items():
        minimum, maximum = bounds_of(field)
        choices = typing.get_args(field.annotation) if typing.get_origin(field.annotation) is Literal else ()
        described.append(
            {
                "name": name,
                "description": field.description,
                "default": field.get_default(call_default_factory=True),
                "minimum": minimum,
                "maximum": maximum,
                "step": step_of(field),
                "choices": list(choices),
            }
        )
    return described


def settings_rows(settings: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """One row per setting for a table: name, default, what is allowed, description."""
    return [
        (entry["name"], str(entry["default"]), _allowed(entry), entry["description"]) for entry in settings
    ]


def _allowed(entry: dict[str, Any]) -> str:
    if entry["choices"]:
        return " | ".join(str(choice) for choice in entry["choices"])
    if entry["minimum"] is not None and entry["maximum"] is not None:
        return f"{entry['minimum']:g} … {entry['maximum']:g}"
    return "yes | no" if isinstance(entry["default"], bool) else ""
