"""The figures of the ACTIS paper."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

Figure = tuple[float, float]
"""Mean and standard deviation over three label samples."""

COLUMNS: Final = (("1", "ap50_pr"), ("1", "f1_50"), ("2", "s_dsb"), ("3", "ap50_pr"))
"""Tables, and the metrics that they list. What Table 1 calls AP is precision x recall (AC-08)."""


def published(table: str, metric: str, approach: str, count: int) -> Figure | None:
    """A figure on DSB2018 for ``count`` labeled tiles; ``None`` if the table has none."""
    found = _tables()[table].get(metric, {}).get(approach, {}).get(str(count))
    return (found[0], found[1]) if found else None


@cache
def _tables() -> dict[str, dict[str, dict[str, dict[str, list[float]]]]]:
    text = files("napari_imseg.reproduce.actis").joinpath("published.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, dict[str, dict[str, list[float]]]]] = json.loads(text)["tables"]
    return tables
