"""A table as named columns: text for the clipboard and for CSV files; no Qt."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
"""Columns of equal length, by the text of their header."""


def cell(value: Any) -> str:
    """One value as a person reads it: four significant digits, whole numbers in full; NaN is a dash."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "–"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def as_text(columns: Columns, delimiter: str) -> str:
    """Header and rows with full precision, quoted where needed, one line each."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue()
