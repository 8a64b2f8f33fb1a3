"""The figures of the ACTIS paper, and those that DenoiSeg gives of itself."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

from napari_imseg.core.components import COMPONENTS

Figure = tuple[float, float]
"""Mean and standard deviation over three label samples; DenoiSeg does not say what its error is."""

COLUMNS: Final = (
    ("1", "ap50_pr"),
    ("1", "ap10_90_pr"),
    ("1", "f1_50_clipped"),
    ("2", "s_dsb"),
    ("3", "ap50_pr"),
    ("DenoiSeg, alpha .5", COMPONENTS),
    ("DenoiSeg, best alpha", COMPONENTS),
)
"""Tables, and the metrics that they list: what Table 1 calls AP and F1 is what the code computes (AC-08).
What the repository of DenoiSeg gives for images without added noise (AC-13) stands here like a table."""

ALL_TILES: Final = 3800
"""All training tiles of the paper, labeled; there is nothing like it here."""


def published(table: str, metric: str, approach: str, count: int) -> Figure | None:
    """A figure on DSB2018 for ``count`` labeled tiles; ``None`` if the table has none."""
    found = _tables()[table].get(metric, {}).get(approach, {}).get(str(count))
    return (found[0], found[1]) if found else None


@cache
def _tables() -> dict[str, dict[str, dict[str, dict[str, list[float]]]]]:
    text = files("napari_imseg.reproduce.actis").joinpath("published.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, dict[str, dict[str, list[float]]]]] = json.loads(text)["tables"]
    return tables
