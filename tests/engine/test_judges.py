"""EvalNets: they learn to tell good masks from bad ones, and the best of them judge."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_imseg.core.judging import Judge, JudgingSettings
from napari_imseg.core.morphology import Refill
from napari_imseg.core.problem import INCONSISTENT, Problem
from napari_imseg.engine import judges
from napari_imseg.engine.events import JudgeFinished, Note
from napari_imseg.engine.judges import EvalNets, judge_of, judge_path, train_judge
from napari_imseg.engine.recipe import Judging
from napari_imseg.engine.records import StudentRecord, read_record
from napari_imseg.engine.room import Seat
from napari_imseg.engine.run_settings import RunSettings
from napari_imseg.engine.training import StopRequested
from napari_imseg.method import JudgeOf
from napari_imseg.methods.inconsistency_masks_plus_plus import InconsistencyMasksPlusPlus
from napari_imseg.nets.devices import choose
from napari_imseg.nets.evalnet import Evaluation
from napari_imseg.nets.memory import OutOfMemoryError
from tests.engine.test_judged import Says
from tests.methods.toy import PROBLEMS, example, probabilities


@dataclass(eq=False)
class Toy:
    """As much of a room as EvalNets need: a few labeled discs and networks of different quality."""

    folder: Path
    problem: Problem
    kind: JudgeOf
    labeled: int = 12
    seats_: Sequence[Seat] = (Seat(), Seat(), Seat(), Seat(compared=True))
    trained: int = 1
    epochs: int = 6
    validation: int = 4
    tile: int = 0
    max_steps: int = 0
    stop_after: float = float("inf")
    asked: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.settings = RunSettings(seed=0, min_steps=8, max_steps=self.max_steps, tile=self.tile)
        self.hardware = choose("cpu")
        self.project = SimpleNamespace(problem=self.problem)
        self.run = SimpleNamespace(checkpoints=self.folder)
        settings = JudgingSettings(
            evalnets=min(2, self.trained),
            evalnets_trained=self.trained,
            evalnet_alpha=0.25,
            evalnet_epochs=self.epochs,
        )
        self.judging = Judging(self.kind, settings) if self.kind else None
        self.sets = SimpleNamespace(
            labeled=[example(self.problem, seed) for seed in range(self.labeled)],
            validation=[example(self.problem, 100 + seed) for seed in range(self.validation)],
        )

    def seats(self, generation: int) -> list[Seat]:
        return list(self.seats_)

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked > self.stop_after


class Errs:
    """A member that sees bright pixels, shifted by some columns."""

    def __init__(self, problem: Problem, shift: int) -> None:
        self.problem, self.shift = problem, shift

    def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([probabilities(self.problem, self.label(image)) for image in images_B_C_H_W])

    def label(self, image_C_H_W: NDArray[np.float32]) -> NDArray[np.int16]:
        bright = np.roll(image_C_H_W > 0.45, self.shift, axis=-1)
        if self.problem.binary:
            return bright[0].astype(np.int16)
        return np.where(bright[1], 2, bright[0]).astype(np.int16)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def errs(problem: Problem) -> list[Errs]:
    return [Errs(problem, shift) for shift in (2, 5, 9, 14)]


def trained(room: Toy, number: int = 0) -> tuple[StudentRecord, list[Any]]:
    return ended(train_judge(room, number, errs(room.problem)))  # type: ignore[arg-type]


def ended(work: Generator[Any, None, StudentRecord]) -> tuple[StudentRecord, list[Any]]:
    """What a generator returns, and what it told."""
    told = []
    while True:
        try:
            told.append(next(work))
        except StopIteration as end:
            return end.value, told


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


# --- training -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["binary", "classes"])
def test_an_evalnet_tells_good_masks_from_bad_ones(tmp_path: Path, name: str) -> None:
    problem = PROBLEMS[name]
    room = Toy(tmp_path, problem, "masks", labeled=20, epochs=16)  # with 8 it hangs on the processor
    trained(room)
    judge = judge_of(room)  # type: ignore[arg-type]
    assert judge is not None
    better = 0
    for seed in range(200, 210):
        known = example(problem, seed)
        wrong = np.roll(known.target_H_W, 14, axis=-1)
        scores = [judge.score(known.image_C_H_W, mask) for mask in (known.target_H_W, wrong)]
        assert all(0 <= score <= 1 for score in scores)
        better += scores[0] > scores[1]
    assert better >= 9


def test_a_record_tells_how_well_the_kept_evalnet_judges(tmp_path: Path) -> None:
    room = Toy(tmp_path, PROBLEMS["binary"], "masks", epochs=1)
    record, told = trained(room, 4)
    assert read_record(StudentRecord, tmp_path / "judge4.json") == record
    assert sorted(path.name for path in tmp_path.iterdir()) == ["judge4.json", "judge4.safetensors"]
    assert record.training_images == 12 * (1 + 4)
    assert record.score is not None
    assert 0 < record.score < 1
    assert isinstance(told[-1], JudgeFinished)
    assert all(isinstance(event, Note) for event in told[:-1])


@pytest.mark.parametrize(("max_steps", "steps"), [(0, 15), (10, 10)])
def test_the_limits_of_an_epoch_hold_for_evalnets(tmp_path: Path, max_steps: int, steps: int) -> None:
    record, _ = trained(Toy(tmp_path, PROBLEMS["binary"], "masks", epochs=1, max_steps=max_steps))
    assert record.training_images == 60  # 15 batches of 4 on a CPU
    assert record.steps == steps


@pytest.mark.parametrize("kind", ["masks", "blocked"])
@pytest.mark.parametrize("name", ["multilabel", "instances"])
def test_every_task_with_few_labels_and_no_validation_image(tmp_path: Path, name: str, kind: str) -> None:
    problem = PROBLEMS[name]
    room = Toy(tmp_path, problem, kind, epochs=1, labeled=1, validation=0)
    members = [Says(problem, example(problem, 50 + number).target_H_W) for number in range(4)]
    ended(train_judge(room, 0, members))  # type: ignore[arg-type]
    judge = judge_of(room)  # type: ignore[arg-type]
    assert judge is not None
    known = example(problem, 3)
    assert 0 <= judge.score(known.image_C_H_W, known.target_H_W) <= 1


def test_a_stopped_and_resumed_training_equals_an_undisturbed_one(tmp_path: Path) -> None:
    for name in ("calm", "stopped"):
        (tmp_path / name).mkdir()
    calm = Toy(tmp_path / "calm", PROBLEMS["binary"], "blocked", epochs=2, labeled=2)
    stopped = Toy(tmp_path / "stopped", PROBLEMS["binary"], "blocked", epochs=2, labeled=2, stop_after=12)
    expected, _ = trained(calm)
    with pytest.raises(StopRequested):
        trained(stopped)
    assert not (tmp_path / "stopped" / "judge0.json").exists()
    stopped.stop_after = float("inf")
    found, _ = trained(stopped)
    assert found.score == expected.score
    assert judge_path(stopped, 0).read_bytes() == judge_path(calm, 0).read_bytes()  # type: ignore[arg-type]


# --- what they learn from -------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Members, images, passes and refill of each data set that is made."""
    calls: list[tuple[object, ...]] = []
    masks, blocked = judges.predicted_masks, judges.blocked_masks

    def predicted_masks(members: Any, examples: Any, problem: Problem) -> Any:
        calls.append((len(members), len(examples)))
        return masks(members, examples, problem)

    def blocked_masks(members: Any, examples: Any, problem: Any, passes: int, rng: Any, refill: Any) -> Any:
        calls.append((len(members), len(examples), passes, refill))
        return blocked(members, examples, problem, passes, rng, refill)

    monkeypatch.setattr(judges, "predicted_masks", predicted_masks)
    monkeypatch.setattr(judges, "blocked_masks", blocked_masks)
    return calls


def test_the_first_three_networks_of_each_kind_are_checked(
    tmp_path: Path, asked: list[tuple[object, ...]]
) -> None:
    seats = [Seat()] * 4 + [Seat(compared=True)] * 4
    room = Toy(tmp_path, PROBLEMS["binary"], "masks", epochs=1, labeled=2, seats_=seats)
    shown: list[int] = []

    class Shown(Errs):
        def probabilities(self, images_B_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
            shown.append(self.shift)
            return super().probabilities(images_B_C_H_W)

    members = [Shown(room.problem, number) for number in range(8)]
    ended(train_judge(room, 0, members))  # type: ignore[arg-type]
    assert asked == [(8, 2), (6, 4)]
    assert set(shown[:16]) == set(range(8))
    assert set(shown[16:]) == {0, 1, 2, 4, 5, 6}


def test_ten_passes_over_the_labels_and_three_over_the_validation_images(
    tmp_path: Path, asked: list[tuple[object, ...]]
) -> None:
    record, _ = trained(Toy(tmp_path, PROBLEMS["classes"], "blocked", epochs=1, labeled=2))
    assert asked == [(4, 2, 10, "class-less"), (4, 4, 3, "class-less")]
    assert record.training_images == 20


@pytest.mark.parametrize("refill", ["paper", "code"])
def test_evalnets_learn_from_masks_that_are_refilled_as_those_that_they_will_judge(
    tmp_path: Path, asked: list[tuple[object, ...]], refill: Refill
) -> None:
    room = Toy(tmp_path, PROBLEMS["classes"], "blocked", epochs=1, labeled=2)
    own = room.judging.settings.model_dump()  # type: ignore[union-attr]
    room.judging = Judging("blocked", InconsistencyMasksPlusPlus.Settings(**own, refill=refill))
    trained(room)
    assert [call[-1] for call in asked] == [refill, refill]


# --- judging --------------------------------------------------------------------------------


class Fixed(nn.Module):
    """An EvalNet that says what it is told of every window, and remembers the windows."""

    def __init__(self, iou: Sequence[float], detection: Sequence[float] | None = None) -> None:
        super().__init__()
        self.iou = torch.tensor(iou).logit()
        self.detection = None if detection is None else torch.tensor(detection).logit()
        self.windows: list[Tensor] = []

    def forward(self, images: Tensor, masks: Tensor) -> Evaluation:
        self.windows += [*torch.cat([images, masks], dim=1)]
        detection = None if self.detection is None else self.detection.expand(len(images), -1)
        return Evaluation(self.iou.expand(len(images), -1), detection)


def judging(kind: JudgeOf, problem: Problem, *networks: nn.Module, tile: int = 0) -> Judge:
    return EvalNets(networks, kind, Toy(Path(), problem, kind, tile=tile))  # type: ignore[arg-type]


def test_a_large_image_is_judged_by_windows() -> None:
    class Brightness(Fixed):
        def forward(self, images: Tensor, masks: Tensor) -> Evaluation:
            super().forward(images, masks)
            return Evaluation(images.mean(dim=(2, 3)).logit(), None)

    network = Brightness([0.0])
    image = np.full((1, 40, 64), 0.2, np.float32)
    image[:, :, 32:] = 0.6
    score = judging("masks", PROBLEMS["binary"], network, tile=32).score(image, np.zeros((40, 64), np.int16))
    assert score == pytest.approx(0.4)
    assert [tuple(each.shape) for each in network.windows] == [(2, 32, 32)] * 4


@pytest.mark.parametrize("detection", [None, [0.9, 0.2]])
def test_windows_that_do_not_fit_into_the_gpu_are_judged_in_halves(detection: list[float] | None) -> None:
    sizes: list[int] = []

    class Full(Fixed):
        most = 5

        def forward(self, images: Tensor, masks: Tensor) -> Evaluation:
            sizes.append(len(images))
            if len(images) > self.most:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().forward(images, masks)

    network = Full([0.3] if detection is None else [0.3, 0.5], detection)
    problem = PROBLEMS["binary" if detection is None else "multilabel"]
    image = np.ones((problem.channels, 64, 64), np.float32)
    mask = np.ones((64, 64) if problem.binary else (2, 64, 64), np.int16)
    assert judging("masks", problem, network, tile=16).score(image, mask) == pytest.approx(0.3)
    assert sizes == [16, 8, 4, 4, 4, 4]
    assert len(network.windows) == 16
    network.most = 0
    with pytest.raises(OutOfMemoryError, match="not even one image fits"):
        judging("masks", problem, network, tile=16).score(image, mask)


def test_a_small_image_is_judged_whole() -> None:
    network = Fixed([0.5])
    judge = judging("masks", PROBLEMS["binary"], network)
    assert judge.score(np.ones((1, 20, 48), np.float32), np.ones((20, 48), np.int16)) == pytest.approx(0.5)
    assert [tuple(each.shape) for each in network.windows] == [(2, 48, 48)]
    assert network.windows[0].sum() == 2 * 20 * 48


def test_several_evalnets_are_averaged() -> None:
    judge = judging("masks", PROBLEMS["binary"], Fixed([0.2]), Fixed([0.6]))
    assert judge.score(np.ones((1, 16, 16), np.float32), np.ones((16, 16), np.int16)) == pytest.approx(0.4)


def test_the_mask_of_inconsistent_pixels_does_not_count() -> None:
    network = Fixed([0.9, 0.5, 0.1, 0.0], [0.9, 0.9, 0.1, 0.9])  # three classes and the IM
    judge = judging("blocked", PROBLEMS["classes"], network)
    mask = np.zeros((16, 16), np.int16)
    mask[0], mask[1] = 1, INCONSISTENT
    assert judge.score(np.ones((2, 16, 16), np.float32), mask) == pytest.approx(0.7)
    assert network.windows[0][-1].sum() == 16
    assert (network.windows[0][:2, 1] == 0).all()


def test_a_window_without_any_class_says_nothing() -> None:
    class Bright(Fixed):
        def forward(self, images: Tensor, masks: Tensor) -> Evaluation:
            said = super().forward(images, masks)
            seen = (images[:, :1].mean(dim=(2, 3)) > 0.5).float() * 0.8 + 0.1
            return Evaluation(said.iou_B_M, seen.logit().expand(-1, 2))

    judge = judging("masks", PROBLEMS["multilabel"], Bright([0.8, 0.6]), tile=16)
    image, mask = np.zeros((2, 16, 32), np.float32), np.zeros((2, 16, 32), np.int16)
    assert judge.score(image, mask) == 0
    image[:, :, :16] = 1
    assert judge.score(image, mask) == pytest.approx(0.7)


def test_the_best_of_those_trained_judge(tmp_path: Path) -> None:
    room = Toy(tmp_path, PROBLEMS["binary"], "masks", epochs=1, labeled=2, trained=3)
    for number in range(3):
        trained(room, number)
    for number, score in enumerate((0.5, 0.9, 0.7)):
        path = judge_path(room, number).with_suffix(".json")  # type: ignore[arg-type]
        record = read_record(StudentRecord, path)
        judges.write_record(path, record.model_copy(update={"score": score}))
    judge = judge_of(room)  # type: ignore[arg-type]
    assert judge is not None
    known = example(room.problem, 3)
    one, two = ([judges.load_network(judge_path(room, number))[0]] for number in (1, 2))  # type: ignore[arg-type]
    apart = [
        judging("masks", room.problem, *each).score(known.image_C_H_W, known.target_H_W)
        for each in (one, two)
    ]
    assert judge.score(known.image_C_H_W, known.target_H_W) == pytest.approx(np.mean(apart))


def test_a_curator_without_evalnets_has_no_judge(tmp_path: Path) -> None:
    assert judge_of(Toy(tmp_path, PROBLEMS["binary"], "")) is None  # type: ignore[arg-type]
