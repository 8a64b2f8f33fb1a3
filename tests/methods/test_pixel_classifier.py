"""The random forest of pixels: what it draws, remembers and writes."""

from __future__ import annotations

import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import RandomForestClassifier

from napari_imseg.core.features import pixel_features
from napari_imseg.core.problem import INCONSISTENT, UNLABELED, Problem, Task
from napari_imseg.engine.suggestions import OTHER_IMAGES
from napari_imseg.method import Example, Member
from napari_imseg.methods.pixel_classifier import PixelClassifier
from napari_imseg.nets import forest
from napari_imseg.nets.forest import features_of, remembers
from napari_imseg.nets.header import read_header, write_member
from napari_imseg.nets.recent import Recent, digest
from napari_imseg.settings import Settings
from tests.methods.toy import PROBLEMS, example


def classifier(problem: Problem, **settings: int) -> PixelClassifier:
    """A small forest, unless the settings say otherwise."""
    return PixelClassifier(PixelClassifier.Settings(**{"trees": 10} | settings), problem)


def learned(member: Member, folder: Path) -> dict[str, NDArray[Any]]:
    """The training pixels, as they are saved."""
    member.save(folder / "learned.safetensors")
    samples: dict[str, NDArray[Any]] = load_file(folder / "learned.safetensors")
    return samples


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each image whose features were computed."""
    computed: list[int] = []

    def count(image: Any, sigmas: Any) -> Any:
        computed.append(image.shape[-1])
        return pixel_features(image, sigmas)

    monkeypatch.setattr(forest, "pixel_features", count)
    return computed


def test_it_is_the_forest_of_scikit_learn(tmp_path: Path) -> None:
    problem, known = PROBLEMS["classes"], example(PROBLEMS["classes"], 0)
    member = classifier(problem, trees=100, training_pixels=10**6).fit([known], seed=3)
    features = pixel_features(known.image_C_H_W).reshape(32 * 32, -1)
    samples = learned(member, tmp_path)
    reference = RandomForestClassifier(100, random_state=3).fit(samples["features"], samples["labels"][:, 0])
    expected = reference.predict_proba(features).T.reshape(3, 32, 32)
    assert np.allclose(member.probabilities(known.image_C_H_W[None])[0], expected, atol=1e-6)


def test_two_fits_are_equal_and_another_seed_is_not() -> None:
    problem, known = PROBLEMS["binary"], example(PROBLEMS["binary"], 0)
    image = example(problem, 1).image_C_H_W[None]
    first, again, other = (classifier(problem).fit([known], seed).probabilities(image) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pixels_are_drawn_evenly_from_images(tmp_path: Path) -> None:
    problem = PROBLEMS["binary"]
    known = [example(problem, seed) for seed in (0, 1)]
    labels = learned(classifier(problem, training_pixels=100).fit(known, 0), tmp_path)["labels"]
    assert labels.shape == (100, 1)
    for half, one in zip((labels[:50], labels[50:]), known, strict=True):
        assert (half == 1).mean() == pytest.approx((one.target_H_W == 1).mean(), abs=0.05)


def test_a_rare_class_gets_a_quarter_of_an_equal_share_and_leaves_room(tmp_path: Path) -> None:
    problem, known = PROBLEMS["binary"], example(PROBLEMS["binary"], 0)
    target = np.zeros_like(known.target_H_W)
    target[0, :25] = 1
    target[1, :5], target[2, :5] = INCONSISTENT, UNLABELED
    for pixels, rare in ((80, 9), (1000, 25)):
        member = classifier(problem, training_pixels=pixels).fit([Example(known.image_C_H_W, target)], 0)
        labels = learned(member, tmp_path)["labels"]
        assert sorted(np.unique(labels)) == [0, 1]
        assert len(labels) == pixels
        assert (labels == 1).sum() == pytest.approx(rare, abs=1)


def test_only_the_changed_image_is_computed_again(counted: list[int]) -> None:
    problem = PROBLEMS["binary"]
    learner = classifier(problem, training_pixels=50)
    first, second = example(problem, 301), example(problem, 302)
    learner.fit([second, first], 0)
    assert len(counted) == 2
    stroke = second.target_H_W.copy()
    stroke[0, :] = 1
    changed = Example(second.image_C_H_W, stroke)
    classifier(problem, training_pixels=50).fit([changed, first], 0).probabilities(second.image_C_H_W[None])
    assert len(counted) == 2, "neither the unchanged image nor the features of the last one"


def test_the_features_of_a_preview_are_computed_once_however_many_strokes(counted: list[int]) -> None:
    problem = PROBLEMS["binary"]
    on_screen, *others = (example(problem, seed) for seed in range(310, 311 + OTHER_IMAGES))
    for stroke in range(1, 12):
        label = on_screen.target_H_W.copy()
        label[:stroke] = 1
        for trees in (2, 5):  # the first look and the whole answer
            member = classifier(problem, trees=trees, training_pixels=50)
            said = member.fit([Example(on_screen.image_C_H_W, label), *others], 0)
            said.probabilities(on_screen.image_C_H_W[None])
    assert len(counted) == 1 + OTHER_IMAGES
    coming = example(problem, 320)  # the next image: the one before now is one of the others
    now_labeled = Example(on_screen.image_C_H_W, label)
    classifier(problem, training_pixels=50).fit([coming, now_labeled, *others[1:]], 0)
    assert len(counted) == 2 + OTHER_IMAGES


def test_of_many_images_only_the_pixels_that_are_learned_stay_in_memory() -> None:
    problem = PROBLEMS["binary"]
    examples = [example(problem, seed) for seed in range(400, 464)]
    learner = classifier(problem, trees=1, training_pixels=1024, largest_sigma=4)
    whole = len(examples) * 1024 * 12 * 4  # bytes of twelve float32 features of every pixel
    tracemalloc.start()
    learner.fit(examples, 0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < whole / 2


def test_large_features_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = np.zeros((1, 20, 31), np.float32), np.zeros((1, 2000, 3100), np.float32)
    computed: list[int] = []

    def cheap(image: Any, sigmas: Any) -> Any:
        computed.append(image.shape[-1])
        return np.broadcast_to(np.float32(0), (*image.shape[1:], 4 * len(sigmas)))

    monkeypatch.setattr(forest, "pixel_features", cheap)
    assert remembers(small, 16)
    assert not remembers(large, 16)
    for image in (small, small, large, large):
        features_of(image, 16)
    assert computed == [31, 3100, 3100]


def test_the_last_results_are_remembered_by_content() -> None:
    recent: Recent[int] = Recent(2)
    assert [recent.get((key,), partial(int, key * 10)) for key in (1, 2, 1, 3)] == [10, 20, 10, 30]
    assert recent.get((1,), lambda: 0) == 10
    assert recent.get((2,), lambda: 0) == 0, "the oldest one was forgotten"
    array = np.arange(6).reshape(2, 3)
    assert digest(array) == digest(array[::-1][::-1])
    assert digest(array) != digest(array.reshape(3, 2))


def test_no_example_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no labeled pixel"):
        classifier(PROBLEMS["binary"]).fit([], 0)


def test_images_with_other_channels_are_refused() -> None:
    member = classifier(PROBLEMS["binary"]).fit([example(PROBLEMS["binary"], 0)], 0)
    with pytest.raises(ValueError, match=r"expected images of shape \(B, 1, H, W\)"):
        member.probabilities(np.zeros((1, 2, 8, 8), np.float32))


def test_a_mask_that_is_always_on_gets_every_vote() -> None:
    problem = Problem(Task.MULTILABEL, 1, 2)
    image = example(PROBLEMS["binary"], 0).image_C_H_W
    target = np.stack([np.ones((32, 32)), np.zeros((32, 32))]).astype(np.int16)
    answer = classifier(problem).fit([Example(image, target)], 0).probabilities(image[None])[0]
    assert (answer[0] == 1).all()
    assert (answer[1] == 0).all()


def test_one_mask_alone() -> None:
    problem = Problem(Task.MULTILABEL, 1, 1)
    known = example(PROBLEMS["binary"], 0)
    learned = classifier(problem).fit([Example(known.image_C_H_W, known.target_H_W[None])], 0)
    found = learned.probabilities(known.image_C_H_W[None])[0, 0] > 0.5
    assert (found == (known.target_H_W == 1)).mean() > 0.95


def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "forest.safetensors"
    with pytest.raises(ValueError, match=r"forest.safetensors is missing"):
        PixelClassifier.load(path)
    save_file({"features": np.zeros((1, 1), np.float32)}, path)
    with pytest.raises(ValueError, match="made by another program"):
        PixelClassifier.load(path)
    classifier(PROBLEMS["binary"]).fit([example(PROBLEMS["binary"], 0)], 0).save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="not a complete safetensors file"):
        PixelClassifier.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.zeros((3, 1), np.int16)},
        {"features": np.full((1, 20), np.nan, np.float32), "labels": np.zeros((1, 0), np.int16)},
        {"labels": np.zeros(0, np.int16)},
    ],
)
def test_false_samples_are_refused_in_a_sentence(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "forest.safetensors"
    member = classifier(PROBLEMS["binary"]).fit([example(PROBLEMS["binary"], 0)], 0)
    member.save(path)
    write_member(path, read_header(path), load_file(path) | change, save_file)
    with pytest.raises(ValueError, match="not a complete pixel-classifier"):
        PixelClassifier.load(path)


def test_settings_are_bounded() -> None:
    assert issubclass(PixelClassifier.Settings, Settings)
    assert PixelClassifier.Settings().trees == 100
