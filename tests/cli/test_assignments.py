"""Every ``--set`` finds its owner, or is refused with the names that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_imseg.cli.assignments import run_settings
from napari_imseg.cli.failures import UsageMistake
from napari_imseg.registry import UnknownName
from napari_imseg.settings import SettingsError


def test_a_setting_goes_to_method_objective_or_run() -> None:
    settings = run_settings(
        "IM",
        None,
        ["erosion=3", "learning-rate = 0.01", "epochs=4", "companions=pixel-classifier"],
        {"seed": 7},
    )
    assert settings.method == "inconsistency-masks"
    assert settings.method_settings["erosion"] == 3
    assert settings.objective_settings["learning_rate"] == 0.01
    assert (settings.epochs, settings.seed) == (4, 7)
    assert settings.companions == ("pixel-classifier",)


def test_a_setting_that_method_and_objective_have_says_whose_it_is() -> None:
    pair = ("input-ensemble", "actis")
    with pytest.raises(UsageMistake, match=r"both have a setting 'views'; write method\.views or objective"):
        run_settings(*pair, ["views=3"], {})
    settings = run_settings(*pair, ["objective.views=flips", "method.views=3"], {})
    assert settings.objective_settings["views"] == "flips"
    assert settings.method_settings["views"] == 3


def test_an_objective_alone_takes_its_settings_as_the_method() -> None:
    settings = run_settings("LDT", None, ["learning_rate=0.01"], {})
    assert settings.method == "supervised"
    assert settings.method_settings["learning_rate"] == 0.01


def test_the_run_keeps_every_setting_of_its_method() -> None:
    """So that a later default cannot change a run that is resumed."""
    assert run_settings("IM", None, [], {}).method_settings == {
        "erosion": 0,
        "dilation": 0,
        "refill": "class-less",
        "foreground_filter": True,
        "same_classes_filter": False,
        "blocking": "left-out",
    }


def test_an_unknown_setting_lists_all_that_exist() -> None:
    with pytest.raises(UsageMistake, match=r"unknown setting 'erosoin'.*erosion.*learning_rate.*epochs"):
        run_settings("inconsistency-masks", None, ["erosoin=3"], {})


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["erosion=99"], "erosion"),
        (["learning_rate=fast"], "learning_rate"),
        (["epochs=0"], "epochs"),
        (["refill=both"], "refill"),
    ],
)
def test_a_value_out_of_range_is_named(assignments: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        run_settings("inconsistency-masks", None, assignments, {})


def test_a_folder_is_kept_as_it_is_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_settings("GT-IM++", None, ["truth=labels"], {}).truth == str(tmp_path / "labels")
    assert run_settings("GT-IM++", None, [], {}).truth == ""


def test_an_assignment_without_a_value_is_refused() -> None:
    with pytest.raises(UsageMistake, match="name=value"):
        run_settings("inconsistency-masks", None, ["erosion"], {})


def test_an_unknown_method_lists_the_methods() -> None:
    with pytest.raises(UnknownName, match=r"choose from: .*inconsistency-masks"):
        run_settings("inconsistent", None, [], {})


def test_a_name_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(UsageMistake, match=r"unknown setting 'epoch' \(did you mean epochs\?\); choose from"):
        run_settings("inconsistency-masks", None, ["epoch=3"], {})
    with pytest.raises(UnknownName, match=r"'inconsistency-mask' \(did you mean inconsistency-masks\?\)"):
        run_settings("inconsistency-mask", None, [], {})
    with pytest.raises(UsageMistake, match="unknown setting 'xyzzy'; choose from"):
        run_settings("inconsistency-masks", None, ["xyzzy=3"], {})


def test_an_objective_is_not_paired_with_another() -> None:
    with pytest.raises(UsageMistake, match="leave out --with supervised"):
        run_settings("supervised", "supervised", [], {})
