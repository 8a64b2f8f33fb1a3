"""Where a run stands, from its events: who is at work, how much is done, how long it still takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_imseg.engine.events import (
    Epoch,
    Event,
    Finished,
    GenerationFinished,
    JudgeFinished,
    Predicted,
    RunStarted,
    Step,
    StudentFinished,
    StudentStarted,
    is_last,
)


@dataclass
class Standing:
    """Takes the events of a run one by one; students may train side by side.

    Attributes
    ----------
    started
        How much there is to do, once the run has said so.
    generation
        The one that is at work.
    epochs
        Of each student that trains now, first student 0: epochs done, and all.
    share
        How much of the whole run is done: grows from 0, and is exactly 1 when it is finished.
    seconds_left
        Of the whole run; ``None`` while nobody knows.
    """

    started: RunStarted | None = None
    generation: int = 0
    epochs: dict[int, tuple[int, int]] = field(default_factory=dict)
    share: float = 0.0
    seconds_left: float | None = None
    _left: dict[int, float] = field(default_factory=dict)
    _trained: dict[int, float] = field(default_factory=dict)
    _judged: int = 0
    _predicted: float = 0.0

    def add(self, event: Event) -> None:
        """Take one event into account."""
        match event:
            case RunStarted():
                self.started = event
                self._nobody_works()
            case StudentStarted():
                self._enter(event.generation)
                self.epochs[event.student] = (0, event.epochs)
            case Step():
                self._enter(event.generation)
                self._trained[event.student] = event.step / event.steps
            case Epoch():
                self._enter(event.generation)
                self.epochs[event.student] = (event.epoch, event.epochs)
                self._trained[event.student] = event.epoch / event.epochs
                self._estimate(event)
            case StudentFinished():
                self._enter(event.generation)
                self._trained[event.student] = 1.0
                self.epochs.pop(event.student, None)
                self._left.pop(event.student, None)
            case JudgeFinished():
                self._judged += 1
            case Predicted():
                self._enter(event.generation)
                self._predicted = event.done / max(1, event.total)
            case GenerationFinished():
                self._enter(event.generation + 1)
        if is_last(event):
            self._nobody_works()
        self._count(event)

    def _nobody_works(self) -> None:
        self.epochs.clear()
        self._left.clear()
        self.seconds_left = None

    def _enter(self, generation: int) -> None:
        """Every generation before this one is complete."""
        if generation != self.generation:
            self.generation = generation
            self.epochs.clear()
            self._left.clear()
            self._trained.clear()
            self._judged = 0
            self._predicted = 0.0

    def _estimate(self, event: Epoch) -> None:
        """The run is over when the slowest is: the estimates of two students never take turns."""
        if event.seconds_left is not None:
            self._left[event.student] = event.seconds_left
            self.seconds_left = max(self._left.values())

    def _count(self, event: Event) -> None:
        if isinstance(event, Finished):
            self.share = 1.0
        if self.started is None:
            return
        passes = min(1, self.started.unlabeled)  # to predict the unlabeled images counts as one student
        students = [self._students(generation) for generation in range(self.started.generations + 1)]
        before = sum(count + passes for count in students[: self.generation])
        here = min(self._students(self.generation), sum(self._trained.values()) + self._judged)
        done = before + here + passes * self._predicted
        self.share = max(self.share, min(1.0, done / sum(count + passes for count in students)))

    def _students(self, generation: int) -> int:
        """Networks to train in a generation, EvalNets among them."""
        assert self.started is not None
        later, first = max(1, self.started.students), self.started.first_students
        if generation:
            return later
        return (later if first is None else first) + self.started.judges


def duration(seconds: float) -> str:
    """A time as a person says it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
