"""Settings of every row at every scale: they are valid, and ``paper`` is the paper's protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.project.project import Project
from napari_imseg.reproduce import NAMES
from napari_imseg.reproduce.actis.laptop import FEWEST, FIRST_LENGTH, MOST, steps_of_a_student
from napari_imseg.reproduce.actis.scales import SCALES
from napari_imseg.reproduce.approach import REFERENCE, Approach
from napari_imseg.reproduce.comparisons import COMPARISONS
from napari_imseg.reproduce.scale import Sizes
from napari_imseg.reproduce.splits import Splits
from napari_imseg.reproduce.study import Study, StudyInfo, Terms
from napari_imseg.settings import SettingsError

ACTIS = COMPARISONS["actis"]
PROBLEM = Problem(Task.INSTANCES, 1, 3)
SIZES = Sizes(unlabeled=1000 * 128**2, validation=200 * 128**2, test=50 * 140_000)


def study(scale: str, weights: str = "") -> Study:
    info = StudyInfo(
        comparison="actis",
        scale=scale,
        data="tiles",
        title="dsb",
        task=Task.INSTANCES,
        classes=("object",),
        metrics=("ap50_pr",),
        labeled=0,
        seed=0,
        splits=Splits(labeled=(), unlabeled=("a", "b"), validation=("c",), test=("d",)),
        sizes=SIZES,
        shares=(),
        examples=(),
        weights=weights,
    )
    return Study(Path("nowhere"), info)


def settings(scale: str, name: str, weights: str = "") -> RunSettings:
    one = next(one for one in ACTIS.approaches if one.name == name)
    return ACTIS.settings(SCALES[scale], one, study(scale, weights), seed=3, device="cpu")


def test_names_are_known_before_anything_is_imported() -> None:
    assert tuple(COMPARISONS) == NAMES


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("one", ACTIS.approaches, ids=lambda one: one.name)
def test_every_row_has_valid_settings_at_every_scale(one: Approach, scale: str) -> None:
    found = ACTIS.settings(SCALES[scale], one, study(scale), seed=3, device="cpu")
    assert recipe_of(found, PROBLEM).problem == PROBLEM
    assert (found.minutes, found.seed) == (0, 3)  # no clock decides what comes out


def test_paper_is_the_protocol_of_the_paper() -> None:
    baseline, actis = settings("paper", "Baseline"), settings("paper", "ACTIS")
    assert SCALES["paper"].repetitions == 3
    assert SCALES["paper"].counts == (10, 19, 38, 76)
    assert baseline.network == actis.network == "efficientnet-b5"
    assert (baseline.epochs * baseline.max_steps, baseline.batch_size) == (100_000, 5)
    assert (actis.epochs * actis.max_steps, actis.batch_size, actis.max_steps) == (50_000, 4, 200)
    assert (actis.tile, actis.averaging) == (128, 0)
    # 500 updates of the teacher: every 100 steps
    assert actis.method_settings == {
        "threshold_start": "low",
        "pseudo_boundary_weight": 4,
        "semi_optimizer": "sgd",
        "semi_learning_rate": 0.01,
    }
    assert settings("paper", "IM x ACTIS").objective_settings == actis.method_settings


@pytest.mark.parametrize("name", ["Baseline", "DenoiSeg", "ACTIS", "IM x ACTIS"])
def test_paper_validates_every_200_steps(name: str) -> None:
    found = settings("paper", name)
    assert found.validate_every * found.max_steps == found.validate_every * found.min_steps == 200


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_networks_look_from_three_sides_at_the_test(scale: str) -> None:
    trained = [one.name for one in ACTIS.approaches if one.name != REFERENCE]
    assert {settings(scale, name).test_time_augmentation for name in trained} == {"flips"}


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_thresholds_are_searched_as_for_the_published_figures(scale: str) -> None:
    assert {settings(scale, one.name).threshold_search for one in ACTIS.approaches} == {"released"}


@pytest.mark.parametrize(("scale", "clipped"), [("laptop", True), ("paper", False)])
def test_paper_scales_intensities_as_the_paper(scale: str, clipped: bool, tmp_path: Path) -> None:
    """Tile by tile: the project that is made of the data says how its images are read."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    rng = np.random.default_rng(0)
    for number in range(8):
        tifffile.imwrite(
            tmp_path / "images" / f"{number}.tif", rng.gamma(2, 30, (128, 128)).astype(np.uint16)
        )
        tifffile.imwrite(tmp_path / "labels" / f"{number}.tif", np.eye(128, dtype=np.uint16))
    data, splits = ACTIS.read(tmp_path, (), Terms("actis", scale, 0, 0))
    made = Study.prepare(tmp_path / "out", data, splits, Terms("actis", scale, 0, 0))
    with Project.open(made.test) as project:
        image = project.network_image(project.labeled()[0].id)
    assert (image.min() >= 0 and image.max() <= 1) == clipped


def test_rows_differ_in_what_their_names_say_and_in_nothing_else() -> None:
    actis, frozen = settings("laptop", "ACTIS"), settings("laptop", "ACTIS frozen")
    assert frozen.method_settings == actis.method_settings | {"teacher": "frozen"}
    assert settings("laptop", "ACTIS unfiltered").method_settings == actis.method_settings | {"quantile": 0}
    sgd = {"semi_optimizer": "sgd", "semi_learning_rate": 0.01}
    assert settings("laptop", "ACTIS SGD").method_settings == actis.method_settings | sgd
    both = settings("laptop", "IM x ACTIS")
    assert (both.method, both.objective, both.objective_settings) == (
        "inconsistency-masks",
        "actis",
        actis.method_settings,
    )
    assert (both.generations, 2 * both.epochs) == (2, actis.epochs)  # masks of ACTIS students, as many steps
    assert (both.labeled_share, actis.labeled_share) == (0.5, 0)
    own = {"method", "objective", "method_settings", "objective_settings"}
    same = both.model_dump().keys() - own - {"generations", "epochs", "labeled_share"}
    assert both.model_dump(include=same) == actis.model_dump(include=same) == frozen.model_dump(include=same)


def test_weights_are_those_of_the_first_networks() -> None:
    assert settings("paper", "Baseline", "imagenet").weights == "imagenet"
    assert settings("paper", "ACTIS", "imagenet").weights == ""


def test_laptop_trains_its_first_networks_four_times_as_long_and_all_with_adamw() -> None:
    """The time that `steps_of_a_student` fits into four hours is that of these settings."""
    actis = settings("laptop", "ACTIS")
    for name in ("Baseline", "DenoiSeg"):
        first = settings("laptop", name)
        assert (first.epochs, first.max_steps) == (FIRST_LENGTH * actis.epochs, actis.max_steps)
    for name in ("ACTIS", "ACTIS frozen"):
        own = settings("laptop", name).method_settings
        assert (own["semi_optimizer"], own["semi_learning_rate"]) == ("adamw", 0.001)


def test_laptop_fits_four_hours_and_more_pixels_leave_fewer_steps() -> None:
    assert 600 < steps_of_a_student(SIZES) < 1100
    pixels = [0, 10**7, 10**8, 10**10]
    steps = [steps_of_a_student(Sizes(count, count // 20, count // 3)) for count in pixels]
    assert steps == sorted(steps, reverse=True)
    assert (steps[-1], steps[0] <= MOST) == (FEWEST, True)


def test_the_ablation_is_a_group_and_its_own_row_is_done_if_asked_for() -> None:
    usual = [one.name for one in ACTIS.chosen([], SCALES["laptop"])]
    assert usual == ["pixel classifier", "Baseline", "DenoiSeg", "ACTIS", "ACTIS frozen", "IM x ACTIS"]
    ablation = [one.name for one in ACTIS.chosen(["ablation"], SCALES["laptop"])]
    others = ["ACTIS released", "ACTIS unfiltered", "Baseline continued"]
    assert ablation == ["Baseline", "ACTIS", "ACTIS frozen", "ACTIS boundary 4", "ACTIS SGD", *others]
    paper = [one.name for one in ACTIS.chosen(["ablation"], SCALES["paper"])]
    assert paper == ["Baseline", "ACTIS", "ACTIS frozen", "ACTIS boundary 1", "ACTIS AdamW", *others]
    assert not {*usual} & {"ACTIS boundary 4", "ACTIS SGD", *others}
    assert [one.name for one in ACTIS.chosen(["im x actis"], SCALES["laptop"])] == ["Baseline", "IM x ACTIS"]
    with pytest.raises(SettingsError, match=r"no approach 'cutis'.*ablation"):
        ACTIS.chosen(["CUTIS"], SCALES["laptop"])
    with pytest.raises(SettingsError, match="smoke, laptop, paper"):
        ACTIS.scale("huge")


def test_numbers_of_labeled_tiles() -> None:
    assert ACTIS.labeled("", SCALES["paper"]) == (0, (10, 19, 38, 76))
    assert ACTIS.labeled("19, 10,19", SCALES["paper"]) == (0, (19, 10))
    for asked in ("0.1", "ten", "0", "10,-1"):
        with pytest.raises(SettingsError, match="numbers of labeled tiles such as"):
            ACTIS.labeled(asked, SCALES["paper"])
