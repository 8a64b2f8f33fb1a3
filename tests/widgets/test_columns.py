"""Tables as a person reads them, and as other programs do."""

from __future__ import annotations

import numpy as np
import pytest

from napari_imseg.widgets.columns import as_text, cell


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123456, "0.1235"), (12345.6, "12346"), (7, "7"), ("r001-g0", "r001-g0"), (np.float64("nan"), "–")],
)
def test_a_cell_is_short_and_what_was_not_measured_is_a_dash(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_a_file_has_full_precision_and_names_what_is_missing() -> None:
    text = as_text({"name": np.array(["a, b"], dtype=object), "IoU": np.array([np.nan])}, ",")
    assert text == 'name,IoU\n"a, b",nan\n'
