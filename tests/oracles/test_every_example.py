"""Every worked example is taken by a test, or waits for a method that there is not yet."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from tests.oracles import EXAMPLES, Expected, takes

TESTS = Path(__file__).parents[1]

LATER = {
    "entropy-minimisation": (
        "em_reparameterised_sample",
        "em_sharpen_eq5",
        "em_adaptive_sharpening_eq5_8",
        "em_adaptive_sharpening_constant",
        "em_class_consistency_eq9",
        "em_class_consistency_none",
        "em_fgmr_eq4",
        "em_poly_lr",
        "em_total_loss",
    ),
    "rpg": (
        "rpg_distance_label_weight",
        "rpg_all_opposite",
        "rpg_weight_two_equal_classes",
        "rpg_weight_single_class_found",
        "rpg_weight_generic",
        "rpg_loss_unlabelled",
        "rpg_multilabel_nn",
    ),
    "fixmatch": (
        "fixmatch_multiclass_eq9",
        "fixmatch_multilabel_eq10",
        "fixmatch_multilabel_per_class",
        "fixmatch_tau_half",
    ),
}
"""By the method that there will be."""


def taken_in(module: ModuleType) -> set[str]:
    """Examples with which pytest runs a test of a module."""
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    marks = [mark for test in tests for mark in getattr(test, "pytestmark", [])]
    cases = [mark.args for mark in marks if mark.name == "parametrize" and mark.args[0] == "case"]
    return {case.id for _, values in cases for case in values if case.id in EXAMPLES}


def test_every_worked_example_is_taken_or_waits() -> None:
    taken = set()
    for path in sorted(TESTS.rglob("test_*.py")):
        if path != Path(__file__) and "from tests.oracles import" in path.read_text(encoding="utf-8"):
            taken |= taken_in(
                importlib.import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))
            )
    waiting = {name for names in LATER.values() for name in names}
    assert taken | waiting == set(EXAMPLES)
    assert not taken & waiting


def test_an_example_is_taken_by_a_test_and_not_by_a_remark() -> None:
    module = ModuleType("some tests")
    exec("# actis_teacher_ema\ndef test_it():\n    'actis_teacher_ema'\n", vars(module))
    assert not taken_in(module)
    exec("def test_it(case): pass", vars(module))
    vars(module)["test_it"] = takes("actis_teacher_ema")(vars(module)["test_it"])
    assert taken_in(module) == {"actis_teacher_ema"}


def test_a_value_that_nobody_looks_at_is_told() -> None:
    expected = Expected({"loss": 1.0, "at_50": {"F1": 0.5, "F1_code": 0.4}, "note": "", "tie": None})
    assert set(expected.unasked()) == {"loss", "at_50", "note", "tie"}
    assert expected["at_50"]["F1"] + expected.get("loss") == 1.5
    assert expected.get("other", 3) == 3
    assert next(iter(expected.items())) == ("loss", 1.0)
    assert set(expected.unasked()) == {"at_50.F1_code"}
