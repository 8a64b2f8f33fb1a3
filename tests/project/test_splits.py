"""Which images validate."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from napari_imseg.project.records import Split
from napari_imseg.project.splits import assign, target_size

from .conftest import reproducible

groups = st.lists(st.sampled_from([f"well {number}" for number in range(12)]), max_size=60)
fractions = st.floats(0, 0.5)
seeds = st.integers(0, 1000)


def chosen_of(names: list[str], fraction: float, seed: int) -> set[str]:
    """The groups that validate when all are labeled at once."""
    return {name for name, side in assign(names, {}, {}, fraction, seed).items() if side == "validation"}


def test_too_few_images_all_train() -> None:
    assert [target_size(labeled, 0.15) for labeled in range(6)] == [0, 0, 0, 0, 1, 1]
    assert target_size(100, 0.15) == 15
    assert target_size(100, 0) == 0


@reproducible
@given(groups, fractions, seeds)
def test_the_choice_depends_on_the_seed_alone(names: list[str], fraction: float, seed: int) -> None:
    assert chosen_of(names, fraction, seed) == chosen_of(sorted(names), fraction, seed)


@reproducible
@given(st.integers(4, 60), st.floats(0.05, 0.5), seeds)
def test_the_share_is_met_when_images_stand_alone(count: int, fraction: float, seed: int) -> None:
    chosen = chosen_of([f"image {number}" for number in range(count)], fraction, seed)
    assert len(chosen) == target_size(count, fraction)


def test_another_seed_chooses_others() -> None:
    names = [f"image {number}" for number in range(40)]
    assert len({frozenset(chosen_of(names, 0.2, seed)) for seed in range(10)}) == 10


@reproducible
@given(groups, st.floats(0.05, 0.5), seeds)
def test_someone_always_trains_and_someone_validates_if_there_are_two_groups(
    names: list[str], fraction: float, seed: int
) -> None:
    chosen = chosen_of(names, fraction, seed)
    assert chosen < set(names) or not names
    assert bool(chosen) == (len(names) >= 4 and len(set(names)) >= 2)


@reproducible
@given(groups, st.floats(0.05, 0.25), seeds)
def test_images_that_come_one_by_one_keep_the_share_and_nobody_moves(
    names: list[str], fraction: float, seed: int
) -> None:
    split: dict[str, Split] = {}
    counts: Counter[Split] = Counter()
    for name in names:
        answer = assign([name], split, counts, fraction, seed)
        assert split.get(name, answer[name]) == answer[name]
        split |= answer
        counts[answer[name]] += 1
    if len(set(names)) == len(names):
        assert counts["validation"] == target_size(len(names), fraction)


def test_a_group_that_must_not_validate_does_not() -> None:
    names = ["stack"] * 10 + ["a", "b", "c"]
    assert assign(names, {}, {}, 0.3, 0, frozenset({"stack"}))["stack"] == "train"
