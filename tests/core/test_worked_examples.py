"""Every worked example that is about `napari_imseg.core`; `tests.oracles` knows the others.

Where paper and code differ, the expected value is the recommended reading; the other one is
checked wherever it is a named option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_imseg.core import components
from napari_imseg.core.cells import CellCount, centres, count_cells, radii, windows
from napari_imseg.core.detection import detection
from napari_imseg.core.disagreement import (
    block,
    enough_foreground,
    ensemble_label,
    hard_labels,
    im_size,
    inconsistency,
)
from napari_imseg.core.evalnet_scores import LIMITS, augmented_versions, best_candidate, image_score
from napari_imseg.core.instances import three_class_target, watershed_instances
from napari_imseg.core.intensity import PERCENTILES, find_limits, normalise
from napari_imseg.core.matching import Matching, match
from napari_imseg.core.metrics import (
    CODE_THRESHOLDS,
    PAPER_THRESHOLDS,
    average_precision,
    class_ious,
    confusion,
    instance_metrics,
    iou,
    overall,
    semantic_metrics,
    soft_ious,
    soft_sums,
)
from napari_imseg.core.morphology import Refill, dilate, erode, erode_dilate
from napari_imseg.core.problem import INCONSISTENT, Problem, Task
from tests.oracles import WorkedExample, takes

BINARY = Problem(Task.SEMANTIC, 1, 2)
LEFT_OUT = (
    "greater_equal",  # of a probability of exactly .5, which is background for us everywhere (IM-19)
    "single_cell_pseudo_label",  # one function draws all circles (IM-10)
    "greedy_TP",  # what a matching would find that is not the best
)
"""Expected values that are none of ours, and why."""

REFILLS: dict[Refill, str] = {"class-less": "classless_only", "paper": "paper_full", "code": "code"}
"""What the examples call our options (IM-02, IM-03)."""

Values = dict[str, Any]
Check = Callable[[Values, Values, float], None]
CHECKS: dict[str, Check] = {}


def example(*names: str) -> Callable[[Check], Check]:
    """Declare that a function checks the examples ``names``."""

    def register(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(names, check))
        return check

    return register


def labels(values: Any) -> NDArray[np.int16]:
    return np.array(values, np.int16)


def binary_probabilities(values: Any) -> NDArray[np.float32]:
    """Foreground probabilities (K, H, W) as the two channels of a binary problem."""
    foreground = np.array(values, np.float32)
    return np.stack([1 - foreground, foreground], axis=1)


def unshifted(shifted: Any, im: Any) -> NDArray[np.int16]:
    """The agreed label of ids that are shifted by one to keep 0 for the inconsistency class."""
    return np.where(np.array(im) > 0, 0, np.array(shifted) - 1).astype(np.int16)


def shifted(agreed: NDArray[np.int16], im: NDArray[np.bool_]) -> NDArray[np.int16]:
    return np.where(im | (agreed == INCONSISTENT), 0, agreed + 1).astype(np.int16)


@example("alg1_binary_n2", "alg1_binary_n3", "alg1_all_inconsistent", "alg1_all_background")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    agreed, im = inconsistency(labels(inputs["pred_masks"]))
    np.testing.assert_array_equal(agreed, expected["F"])
    np.testing.assert_array_equal(im, expected["I"])
    if "n_foreground" in expected:
        assert np.count_nonzero(agreed) == expected["n_foreground"]
        assert im_size(agreed, im).pixels == expected["n_inconsistent"]
    else:
        assert not enough_foreground(agreed, im)


@example("alg1_requires_two_masks")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    assert expected["raises"]
    with pytest.raises(ValueError, match="at least two members, got 1"):
        inconsistency(labels(inputs["pred_masks"]))


@example("alg2_multiclass_n2", "alg2_multiclass_n3")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    agreed, im = inconsistency(labels(inputs["pred_masks"]))
    np.testing.assert_array_equal(agreed, expected["F"])
    np.testing.assert_array_equal(im, expected["I"])


@example("binarise_threshold_isic")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    found = hard_labels(binary_probabilities([inputs["probs"]]), BINARY)[0]
    np.testing.assert_array_equal(found, expected["strict_gt"])


@example("vote_soft_multiclass")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    mean = np.mean(inputs["model_probs"], axis=0)
    np.testing.assert_allclose(mean, expected["mean"], atol=tolerance)
    members = np.array(inputs["model_probs"], np.float32).transpose(0, 2, 1)[:, :, None]  # (K, C, 1, W)
    found = ensemble_label(members, Problem(Task.SEMANTIC, 1, 3), unanimous=False)
    np.testing.assert_array_equal(found[0], expected["label"])


@example("vote_hard_vs_soft_binary")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    members = binary_probabilities(np.array(inputs["model_probs"])[:, None])
    for unanimous, name in ((True, "hard_unanimous"), (False, "soft")):
        found = ensemble_label(members, BINARY, unanimous)
        np.testing.assert_array_equal(found[0], expected[name])


@example(
    "morph_refill_e0_d0",
    "morph_refill_e3_d0",
    "morph_refill_e3_d3",
    "morph_refill_e3_d5",
    "morph_refill_e5_d0",
    "morph_refill_e5_d5",
)
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    im = np.array(inputs["I"], bool)
    agreed = unshifted(inputs["F"], im)
    for refill, name in REFILLS.items():
        new_agreed, new_im = erode_dilate(agreed, im, inputs["erode"], inputs["dilate"], refill)
        for row in range(len(im)):
            np.testing.assert_array_equal(new_im[row], expected[name]["im_row"])
            np.testing.assert_array_equal(shifted(new_agreed, new_im)[row], expected[name]["label_row"])


@example("morph_refill_side_effect")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    im = np.array(inputs["I"], bool)
    agreed = unshifted(inputs["F"], im)
    for refill, name in REFILLS.items():
        found = shifted(*erode_dilate(agreed, im, inputs["erode"], inputs["dilate"], refill))
        np.testing.assert_array_equal(found, [expected[name]] * len(im))


@example("morph_binary_border")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    eroded = erode(np.array(inputs["I"], bool), 3)
    np.testing.assert_array_equal(eroded, expected["erode3"])
    np.testing.assert_array_equal(dilate(eroded, 3), expected["erode3_dilate3"])
    np.testing.assert_array_equal(dilate(eroded, 5), expected["erode3_dilate5"])


@example("morph_all_inconsistent")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    im = np.array(inputs["I"], bool)
    np.testing.assert_array_equal(erode(im, 5), expected["erode5"])
    np.testing.assert_array_equal(dilate(im, 5), expected["dilate5"])


@example("block_input_and_label_binary")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    agreed, im = inconsistency(labels(inputs["pred_masks"]))
    image, target = block(np.array([inputs["image"]], np.float32), agreed, im)
    np.testing.assert_array_equal(image[0], expected["blocked_image"])
    np.testing.assert_array_equal(np.where(target == INCONSISTENT, 0, target), expected["label"])
    assert enough_foreground(agreed, im) is expected["keep"]


@example("foreground_gt_im_filter")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    kept = []
    for case in inputs["cases"]:
        agreed, im = np.zeros((1, 20), np.int16), np.zeros((1, 20), bool)
        agreed[0, : case["F"]] = 1
        im[0, 10 : 10 + case["I"]] = True
        kept.append(enough_foreground(agreed, im))
    assert kept == expected["keep"]


@example("filter_before_morphology")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    agreed, im = labels(inputs["F"]), np.array(inputs["I"], bool)
    assert np.count_nonzero(agreed) == expected["n_foreground"]
    assert im_size(agreed, im).pixels == expected["n_inconsistent_raw"]
    after = erode_dilate(agreed, im, inputs["erode"], inputs["dilate"], "none")
    assert im_size(*after).pixels == expected["n_inconsistent_after"]
    assert enough_foreground(agreed, im) is expected["keep"]


@example("hela_im_combination")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    disagreement = labels([inputs["im_alive"], inputs["im_dead"], inputs["im_pos"]])
    members = np.stack([disagreement, np.zeros_like(disagreement)])  # (K, C, H, W)
    agreed, combined = inconsistency(members)
    np.testing.assert_array_equal(combined, expected["combined"])
    assert im_size(agreed, combined).pixels == 2  # ours: the pixels that are blocked, each once
    channels = [im_size(*inconsistency(members[:, channel])).pixels for channel in range(3)]
    assert sum(channels) == expected["im_size"] == 3  # the released code counts the overlap twice


@example("hela_centres_from_square_blobs")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    top, left = inputs["top_left"]
    for side, centre in zip(inputs["sides"], expected["centres_xy"], strict=True):
        mask = np.zeros(inputs["canvas"], bool)
        mask[top : top + side, left : left + side] = True
        assert centres(mask)[:, ::-1].tolist() == ([centre] if centre else [])


@example("hela_position_circle_radius")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    for distance, radius in zip(inputs["nearest_distance"], expected["radius"], strict=True):
        tenths = np.array([[0, 0], [0, round(10 * distance)]])  # whole coordinates cannot be 15.9 apart
        assert radii(tenths / 10).tolist() == [radius, radius]
    single = np.array([[20, 20]])
    assert radii(single) == expected["single_cell_gt_and_prediction"]


@example("hela_cell_count_window")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    alive, dead = np.zeros((2, *inputs["shape"]), bool)
    for mask, rectangles in (
        (alive, inputs["alive_rects_rows_cols"]),
        (dead, inputs["dead_rects_rows_cols"]),
    ):
        for top, bottom, left, right in rectangles:
            mask[top:bottom, left:right] = True
    places = np.array(inputs["positions_xy"])[:, ::-1]
    for (rows, columns), window in zip(windows(places, alive.shape), expected["windows"], strict=True):
        assert (rows.start + 3, columns.start + 3) == (window["y"], window["x"])
        assert alive[rows, columns].shape == (6, 6)
        assert alive[rows, columns].sum() == window["alive_px"]
        assert dead[rows, columns].sum() == window["dead_px"]
    found = count_cells(alive, dead, places)
    assert found == CellCount(expected["alive"], expected["dead"], expected["unclear"])


@example("mcce")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    counts = [[CellCount(*count, unclear=0) for count in inputs[name]] for name in ("gt", "pred")]
    images = [{"mcce": float(true.error(predicted))} for true, predicted in zip(*counts, strict=True)]
    assert overall(images)["mcce"] == pytest.approx(expected["mcce"], abs=tolerance)


@example("evalnet_detection_label")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    pixels = inputs["class_pixel_counts"]
    label = np.repeat(np.arange(len(pixels)), pixels)[None]
    assert label.size == inputs["total"]
    assert detection(label, Problem(Task.SEMANTIC, 1, len(pixels))).tolist() == [
        bool(flag) for flag in expected["detected"]
    ]


@example("im_metric_iou_dice_binary", "im_metric_empty")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    truth, predicted = labels(inputs["gt"]), labels(inputs["pred"])
    sizes = int((truth & predicted).sum()), int(truth.sum()), int(predicted.sum())
    scores = semantic_metrics(truth, predicted, BINARY, empty="zero")
    assert scores["iou"] == pytest.approx(expected["iou"], abs=tolerance)
    assert iou(*sizes, empty="zero") == scores["iou"]
    assert scores["dice"] == pytest.approx(expected["dice_smooth1"], abs=tolerance)
    if "dice_plain" in expected:
        ours = semantic_metrics(truth, predicted, BINARY)["dice"]
        assert ours == pytest.approx(expected["dice_plain"], abs=tolerance)


@example("im_metric_miou_multiclass")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    truth, predicted = labels(inputs["gt"]), labels(inputs["pred"])
    scores = semantic_metrics(truth, predicted, Problem(Task.SEMANTIC, 1, 4))
    ious = class_ious(confusion(truth, predicted, 4))[1:]
    np.testing.assert_allclose(ious, expected["per_class"], atol=tolerance)
    assert scores["miou"] == pytest.approx(expected["miou"], abs=tolerance)
    assert scores["mpa"] == pytest.approx(expected["pixel_accuracy"], abs=tolerance)


@example(
    "impp_interval_to_augments_ISIC_2018",
    "impp_interval_to_augments_HeLa",
    "impp_interval_to_augments_SUIM",
    "impp_interval_to_augments_Cityscapes",
)
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    limits = inputs["min_threshold"], inputs["max_threshold"]
    assert limits in LIMITS.values()
    versions = [augmented_versions(score, *limits) for score in inputs["pred_iou"]]
    assert versions == expected["total_augmented_versions"]
    assert [count - 1 for count in versions] == expected["extra_over_im_plus"]


@example("evalnet_miou_detected_only")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    iou, detection_ = np.array([inputs["iou"]]), np.array([inputs["detection"]])
    assert image_score(iou, detection_) == pytest.approx(expected["all_classes"], abs=tolerance)
    without_im = image_score(iou[:, 1:], detection_[:, 1:])
    assert without_im == pytest.approx(expected["im_class_0_excluded"], abs=tolerance)
    assert image_score(iou, np.zeros_like(iou)) == expected["none_detected"]


@example("evalnet_ensemble_candidate")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    iou_E_N = np.array(inputs["pred_iou_per_evalnet_per_candidate"])
    scores = [image_score(iou_E[:, None]) for iou_E in iou_E_N.T]
    np.testing.assert_allclose(scores, expected["mean"], atol=tolerance)
    assert best_candidate(scores, inputs["threshold"]) == expected["best_index"]
    assert (best_candidate(scores, inputs["threshold"]) is not None) == expected["accepted"]


@example(
    "actis_three_class_label",
    "actis_three_class_label_diagonal_touch",
    "actis_three_class_label_single_pixel",
    "actis_three_class_label_empty",
)
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    for dtype in (np.int32, np.int64, np.uint16):
        found = three_class_target(np.array(inputs["instances"], dtype))
        np.testing.assert_array_equal(found, expected["label"])


@example("actis_percentile_norm")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    assert PERCENTILES["unclipped"] == (inputs["pmin"], inputs["pmax"])
    image = np.array(inputs["x"]).reshape(1, 2, 5)
    np.testing.assert_allclose(normalise(image, "unclipped").ravel(), expected["y"], atol=tolerance)
    (ends,) = find_limits(lambda: [(0, image)], image.shape, image.dtype, "unclipped")
    assert ends == pytest.approx((expected["mi"], expected["ma"]), abs=tolerance)


@example("actis_watershed")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    background, interior = np.array(inputs["prob_bg"]), np.array(inputs["prob_interior"])
    probabilities = np.stack([background, interior, 1 - background - interior]).astype(np.float32)
    cut = inputs["fg_threshold"], inputs["seed_threshold"]
    code = watershed_instances(probabilities, *cut, drop_seedless=False)
    np.testing.assert_array_equal(code, expected["labels"])
    np.testing.assert_array_equal(
        watershed_instances(probabilities, *cut), expected["labels_islands_removed"]
    )
    assert code.max() == expected["n_seeds"]


@example("actis_watershed_no_seed")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    interior = np.array(inputs["prob_interior"], np.float32)
    probabilities = np.stack([np.zeros_like(interior), interior, 1 - interior])
    for drop_seedless in (True, False):
        found = watershed_instances(probabilities, 0.5, inputs["seed_threshold"], 0, drop_seedless)
        np.testing.assert_array_equal(found, expected["labels"])


def object_scores(inputs: Values) -> tuple[Matching, dict[str, float]]:
    true_ids, predicted_ids = np.array(inputs["gt"]), np.array(inputs["pred"])
    return match(true_ids, predicted_ids), instance_metrics(true_ids, predicted_ids, empty="zero")


def check_object_scores(
    matching: Matching, scores: dict[str, float], expected: Values, tolerance: float
) -> None:
    true, predicted, hits = len(matching.true_ids), len(matching.predicted_ids), matching.true_positives(0.5)
    assert (hits, predicted - hits, true - hits) == tuple(expected[name] for name in ("TP", "FP", "FN"))
    precision, recall = expected["precision"], expected["recall"]
    assert (precision, recall) == pytest.approx(
        (hits / max(1, predicted), hits / max(1, true)), abs=tolerance
    )
    names = {
        "ap50_precision": "AP_paper",
        "ap50_pr": "AP_code",
        "s_dsb": "S_DSB",
        "f1_50": "F1",
        "f1_50_clipped": "F1_code",
    }
    for ours, theirs in names.items():
        assert scores[ours] == pytest.approx(expected[theirs], abs=tolerance), ours


@example("instance_metrics_basic")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    matching, scores = object_scores(inputs)
    ious = np.zeros((len(matching.true_ids), len(matching.predicted_ids)))
    ious[matching.true_index, matching.predicted_index] = matching.iou
    np.testing.assert_allclose(ious, expected["iou_matrix"], atol=tolerance)
    check_object_scores(matching, scores, expected["at_50"], tolerance)
    assert scores["ap10_90"] == pytest.approx(expected["AP_10_90_paper"], abs=tolerance)
    nine = average_precision(matching, PAPER_THRESHOLDS, "pr")
    assert nine == pytest.approx(expected["AP_10_90_PR_9thr"], abs=tolerance)
    fourteen = average_precision(matching, CODE_THRESHOLDS, "pr")
    assert fourteen == pytest.approx(expected["avAP19_code_14thr"], abs=tolerance)
    for threshold, count in expected["TP_per_threshold"].items():
        assert matching.true_positives(float(threshold)) == count


@example(
    "instance_metrics_f1_clip_bug",
    "instance_metrics_both_empty",
    "instance_metrics_gt_empty",
    "instance_metrics_pred_empty",
)
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    matching, scores = object_scores(inputs)
    check_object_scores(matching, scores, expected, tolerance)


@example("instance_metrics_iou_exactly_half")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    matching, _ = object_scores(inputs)
    assert matching.iou.tolist() == [expected["iou"]]
    assert matching.true_positives(0.5) == expected["TP_ge"]
    assert matching.true_positives(components.IOU) == expected["TP_gt"]


@example("instance_matching_hungarian_vs_greedy")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    ious = np.array(inputs["iou_gt_by_pred"])
    rows, columns = np.nonzero(ious)
    matching = Matching(np.array([1, 2]), np.array([1, 2]), rows, columns, ious[rows, columns])
    assert matching.true_positives(inputs["threshold"]) == expected["hungarian_TP"]


@example("instance_metrics_average")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    images = [{"ap50_pr": score} for score in inputs["per_image_scores"]]
    assert overall(images)["ap50_pr"] == pytest.approx(expected["dataset_score"], abs=tolerance)


@example("denoiseg_precision")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    found = components.object_score(np.array(inputs["gt"]), np.array(inputs["pred"]))
    assert found == pytest.approx(expected["precision"], abs=tolerance)


@example("denoiseg_threshold_grid")
def _(inputs: Values, expected: Values, tolerance: float) -> None:
    np.testing.assert_allclose(components.GRID, expected["grid"], rtol=0, atol=tolerance)
    assert expected["tie"].startswith("largest")
    truth = np.array([[0, 1, 1]], np.int32)
    sure = np.stack([truth == 0, truth == 1, truth == 2]).astype(np.float32)
    assert components.find_component_threshold([sure], [truth]).interior == components.GRID[-2]


@example("im_val_soft_mean_iou")
def soft_mean_iou(given: Values, expected: Values, tolerance: float) -> None:
    pairs = zip(given["y_true_onehot"], given["y_pred"], strict=True)
    each = [
        soft_ious(soft_sums(np.moveaxis(np.array(truth), -1, 0), np.moveaxis(np.array(predicted), -1, 0)))
        for truth, predicted in pairs
    ]
    assert np.mean(each, axis=0) == pytest.approx(expected["per_class"], abs=tolerance)
    assert np.mean(each) == pytest.approx(expected["mean"], abs=tolerance)


@takes(*CHECKS, left_out=LEFT_OUT)
def test_worked_example(case: WorkedExample) -> None:
    CHECKS[case.name](case.inputs, case.expected, case.tolerance)
