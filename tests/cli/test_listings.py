"""``methods`` and ``rankings`` show what the registry finds."""

from __future__ import annotations

import json

import pytest

from napari_imseg import methods, rankings
from napari_imseg.method import Method
from napari_imseg.ranking import Ranking
from napari_imseg.registry import classes_in
from tests.cli.conftest import Call


def test_methods_as_json_hold_every_method_with_its_settings(call: Call) -> None:
    listed = {entry["name"]: entry for entry in json.loads(call("methods", "--json").stdout)}
    assert set(listed) == set(classes_in(methods, Method))
    entry = listed["inconsistency-masks"]
    assert entry["kind"] == "curator"
    assert "IM" in entry["aliases"]
    erosion = next(one for one in entry["settings"] if one["name"] == "erosion")
    assert (erosion["default"], erosion["minimum"], erosion["maximum"]) == (0, 0, 31)
    refill = next(one for one in entry["settings"] if one["name"] == "refill")
    assert refill["choices"] == ["class-less", "paper", "code"]


def test_methods_for_people_name_source_settings_and_run_settings(call: Call) -> None:
    text = call("methods").stdout
    for method in classes_in(methods, Method).values():
        assert method.name in text
    assert "learning_rate" in text
    assert "epochs" in text
    assert "method_settings" not in text


def test_rankings_as_json_and_for_people(call: Call) -> None:
    listed = json.loads(call("rankings", "--json").stdout)
    assert {entry["name"] for entry in listed} == set(classes_in(rankings, Ranking))
    assert all(entry["title"] and entry["source"] for entry in listed)
    assert "im-relative" in call("rankings").stdout


@pytest.mark.parametrize("command", ["methods", "rankings"])
def test_a_listing_fails_on_an_unknown_option(call: Call, command: str) -> None:
    assert call(command, "--jsn").exit_code == 2
