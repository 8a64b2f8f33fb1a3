"""Settings of every approach at every scale: they are valid, and ``paper`` is the paper's protocol."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_imseg.core.evalnet_scores import LIMITS
from napari_imseg.core.problem import Problem, Task
from napari_imseg.engine.recipe import recipe_of
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.reproduce.approach import REFERENCE, Approach
from napari_imseg.reproduce.inconsistency_masks.laptop import FEWEST, MOST, steps_of_a_student
from napari_imseg.reproduce.inconsistency_masks.scales import SCALES, run_settings
from napari_imseg.reproduce.scale import Sizes
from napari_imseg.reproduce.splits import Splits
from napari_imseg.reproduce.study import StudyInfo
from napari_imseg.settings import SettingsError
from tests.reproduce.conftest import IM

SIZES = Sizes(unlabeled=310 * 2 * 256**2, validation=49 * 2 * 256**2, test=98 * 2 * 256**2)
PROBLEMS = (Problem(Task.SEMANTIC, 1, 2), Problem(Task.SEMANTIC, 3, 3), Problem(Task.MULTILABEL, 1, 3))


def approach(name: str) -> Approach:
    return next(one for one in IM.approaches if one.name == name)


def info(data: str, classes: int = 1) -> StudyInfo:
    return StudyInfo(
        comparison="inconsistency-masks",
        scale="paper",
        data=data,
        title=data,
        task=Task.SEMANTIC,
        classes=tuple(f"class-{number}" for number in range(classes)),
        metrics=("iou",),
        labeled=0.1,
        seed=0,
        splits=Splits(labeled=("a",), unlabeled=("b",), validation=("c",), test=("d",)),
        sizes=SIZES,
        shares=(),
        examples=(),
    )


def settings_of(scale: str, name: str, data: str, classes: int = 1) -> RunSettings:
    return run_settings(SCALES[scale], approach(name), info(data, classes), seed=0, device="cpu")


@pytest.mark.parametrize(
    ("scale", "one"),
    [
        pytest.param(name, one, id=f"{name}: {one.name}")
        for name, scale in SCALES.items()
        for one in IM.possible(scale)
    ],
)
def test_every_approach_has_valid_settings_at_every_scale(scale: str, one: Approach) -> None:
    for data in ("isic", "hela", "suim", "cityscapes", "folder"):
        settings = run_settings(SCALES[scale], one, info(data), seed=3, device="cpu")
        for problem in PROBLEMS:
            assert recipe_of(settings, problem).problem == problem
        assert settings.minutes == 0  # no clock decides what comes out
        assert settings.seed == 3


def test_paper_is_the_protocol_of_the_paper() -> None:
    settings = settings_of("paper", "AIM++", "suim")
    assert SCALES["paper"].repetitions == 3
    assert (settings.generations, settings.students, settings.students_of(0)) == (5, 5, 10)
    assert (settings.epochs, settings.batch_size, settings.alpha) == (50, 32, 1)
    assert (settings.averaging, settings.flips) == (0, False)
    assert (settings.min_steps, settings.validate_every) == (1, 1)
    assert settings.max_steps >= 2975 * 5 // 32
    recipe = recipe_of(settings, PROBLEMS[1])
    assert recipe.curator is not None
    assert [recipe.curator.width(generation, 1) for generation in range(6)] == [1, 1, 1.25, 1.5, 1.75, 2]
    own = recipe.curator.settings
    assert (own.schedule, own.evalnet_alpha, own.lowest, own.highest) == ("suim", 2, 0.43, 0.51)
    assert (own.evalnets_trained, own.evalnet_epochs) == (5, 50)


@pytest.mark.parametrize("scale", SCALES)
def test_inconsistency_masks_are_those_of_the_paper_at_every_scale(scale: str) -> None:
    settings = settings_of(scale, "IM", "folder")
    assert settings.method_settings["blocking"] == "black"
    assert settings.warm_start == (scale == "laptop")
    apps = settings_of(scale, "IM left out", "folder")
    assert apps.method_settings == settings.method_settings | {"blocking": "left-out"}
    assert apps.model_dump(exclude={"method_settings"}) == settings.model_dump(exclude={"method_settings"})


def test_a_row_says_what_its_loss_and_its_settings_are() -> None:
    row = replace(approach("IM"), objective="actis", own=(("erosion", 3),))
    settings = run_settings(SCALES["laptop"], row, info("folder"), 0, "cpu")
    assert (settings.objective, settings.method_settings["erosion"]) == ("actis", 3)


@pytest.mark.parametrize("data", LIMITS)
def test_limits_of_the_paper_are_those_of_its_data_sets(data: str) -> None:
    lowest, highest = LIMITS[data]
    for name in ("IM++", "AIM++", "GT-IM++"):
        own = settings_of("paper", name, data).method_settings
        assert (own["lowest"], own["highest"]) == (lowest, highest)
    assert settings_of("paper", "EvalNet", data).method_settings["threshold"] == lowest


@pytest.mark.parametrize(("classes", "alpha", "checkpoint"), [(1, 0.5, "iou"), (3, 1, "soft-iou")])
def test_a_folder_has_the_column_of_its_task_and_limits_and_strengths_of_its_own(
    classes: int, alpha: float, checkpoint: str
) -> None:
    settings = settings_of("paper", "IM++", "folder", classes)
    own = settings.method_settings
    assert (own["schedule"], settings.alpha, settings.checkpoint) == ("derived", alpha, checkpoint)
    assert (own["lowest"], own["highest"]) == (0, 0)  # derived from the networks
    assert settings_of("paper", "EvalNet", "folder", classes).method_settings["threshold"] == 0


@pytest.mark.parametrize(
    ("data", "turned"), [("isic", True), ("hela", True), ("suim", False), ("cityscapes", False)]
)
def test_images_with_an_up_and_a_down_are_turned_by_no_approach(data: str, turned: bool) -> None:
    for one in IM.approaches:
        recipe = recipe_of(settings_of("paper", one.name, data), PROBLEMS[1])
        views = None if recipe.curator is None else recipe.curator.views()
        strengths = [] if views is None else [views.strength]
        if hasattr(recipe.curator, "settings") and hasattr(recipe.curator.settings, "strengths"):
            strengths += recipe.curator.settings.strengths([])
        assert {strength.rotation for strength in strengths} <= {turned}


def test_isic_starts_with_narrow_students() -> None:
    settings = settings_of("paper", "NS", "isic")
    recipe = recipe_of(settings, PROBLEMS[0])
    assert recipe.curator is not None
    widths = [recipe.curator.width(generation, settings.alpha) for generation in range(6)]
    assert widths == [0.5, 0.5, 0.75, 1, 1.25, 1.5]


def test_on_a_laptop_every_student_makes_the_same_steps_whatever_it_learns_from() -> None:
    made, rates = dict[str, int](), set()
    for one in IM.possible(SCALES["laptop"]):
        settings = settings_of("laptop", one.name, "folder")
        if one.name != REFERENCE:
            assert settings.min_steps == settings.max_steps
            made[one.name] = settings.epochs * settings.min_steps
            assert settings.warm_start
            recipe = recipe_of(settings, PROBLEMS[0])
            losses = [recipe.loss(generation)[1].model_dump() for generation in (0, 1)]
            rates |= {(loss["learning_rate"], loss["last_learning_rate"]) for loss in losses}
            assert recipe.curator is None or recipe.curator.width(2, 0.5) == 0.5, "else they start anew"
    longer = {name: made.pop(name) for name in ("FDT", "LDT", "ALDT")}
    (steps,) = set(made.values())
    assert longer == {"FDT": 5 * steps, "LDT": 3 * steps, "ALDT": 3 * steps}
    assert rates == {(0.003, 0.00003)}


def test_more_pixels_leave_fewer_steps_within_limits() -> None:
    pixels = [0, 10**6, 10**7, 4 * 10**7, 10**10]
    steps = [steps_of_a_student(count, count // 6, count // 3) for count in pixels]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == FEWEST
    assert steps[0] <= MOST


def test_approaches_come_with_what_they_start_from() -> None:
    def chosen(*names: str) -> list[str]:
        return [one.name for one in IM.chosen(names, SCALES["laptop"])]

    assert chosen("aim++") == ["ALDT", "AIM++"]
    assert chosen("IM", "EvalNet") == ["LDT", "ALDT", "EvalNet", "IM"]
    assert chosen("IM++") == ["LDT", "ALDT", "IM++"]
    assert chosen() == IM.usual()
    with pytest.raises(SettingsError, match=r"no approach 'xy'.*FDT, LDT"):
        chosen("xy")
    with pytest.raises(SettingsError, match="smoke, laptop, paper"):
        IM.scale("huge")


def test_variants_are_done_where_enough_networks_are_trained() -> None:
    def variants(scale: str) -> dict[str, RunSettings]:
        done = IM.chosen(["variants"], SCALES[scale])
        return {one.name: settings_of(scale, one.name, "isic") for one in done if one.name not in usual}

    usual = set(IM.usual())
    paper = variants("paper")
    assert set(paper) == set(IM.groups["variants"])
    for name in ("ME n=3", "IM n=3", "IM+ n=3", "IM++ n=3", "AIM+ n=3"):
        assert paper[name].top_k == 3
    assert paper["IM n=4"].top_k == 4
    assert paper["EvalNet n=4"].method_settings["evalnets"] == 4
    assert paper["IE 7"].method_settings["views"] == 7
    assert paper["CL high"].method_settings["strength"] == "high"
    assert paper["IM e=3 d=3"].method_settings["dilation"] == 3
    changed = {
        key for key, value in paper["IM n=3"] if value != getattr(settings_of("paper", "IM", "isic"), key)
    }
    assert changed == {"top_k"}
    assert set(variants("laptop")) == {
        "IE 5",
        "IE 7",
        "CL low",
        "CL high",
        "EvalNet n=1",
        "IM e=3",
        "IM e=3 d=3",
    }
    with pytest.raises(SettingsError, match="no approach 'im n=3'"):
        IM.chosen(["IM n=3"], SCALES["laptop"])


@pytest.mark.parametrize(
    ("data", "usual"), [("isic", "iou"), ("hela", "loss"), ("suim", "soft-iou"), ("cityscapes", "soft-iou")]
)
def test_epochs_are_chosen_as_in_the_paper(data: str, usual: str) -> None:
    chosen = {
        one.name: settings_of("paper", one.name, data).checkpoint for one in IM.chosen([], SCALES["paper"])
    }
    assert chosen.pop("CL") == "loss"
    assert chosen.pop(REFERENCE) == "method"
    assert set(chosen.values()) == {usual}


def test_the_rows_are_the_thirteen_of_the_paper_its_control_and_two_of_ours() -> None:
    assert [(one.name, one.method, one.start) for one in IM.chosen([], SCALES["laptop"])] == [
        ("FDT", "supervised", ""),
        ("LDT", "supervised", ""),
        ("ALDT", "augmented-supervised", ""),
        ("ME", "model-ensemble", "LDT"),
        ("IE", "input-ensemble", "LDT"),
        ("CL", "consistency-loss", "LDT"),
        ("NS", "noisy-student", "LDT"),
        ("EvalNet", "evalnet", "LDT"),
        ("IM", "inconsistency-masks", "LDT"),
        ("IM left out", "inconsistency-masks", "LDT"),
        ("IM+", "inconsistency-masks-plus", "LDT"),
        ("IM++", "inconsistency-masks-plus-plus", "LDT"),
        ("AIM+", "augmented-inconsistency-masks-plus", "ALDT"),
        ("AIM++", "augmented-inconsistency-masks-plus-plus", "ALDT"),
        ("GT-IM++", "gt-inconsistency-masks-plus-plus", "LDT"),
        (REFERENCE, "pixel-classifier", ""),
    ]
    assert approach("GT-IM++").told_the_truth
    assert not approach("IM++").told_the_truth
    assert approach("IM").teaches
    assert not approach("ALDT").teaches
