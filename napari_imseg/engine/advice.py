"""What a person should know before a run begins to work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.judging import VersionSettings
from napari_imseg.core.metric_names import TITLES
from napari_imseg.core.problem import INTERIOR, Problem, Task
from napari_imseg.engine.events import Note
from napari_imseg.engine.foreign import Foreign
from napari_imseg.engine.records import GenerationRecord, MemberRecord, best_of
from napari_imseg.engine.room import Room
from napari_imseg.engine.validation import metric_name
from napari_imseg.method import Example

MOST_NAMED: Final = 3
FEW_VALIDATION_IMAGES: Final = 5


def advice(room: Room, foreign: list[MemberRecord]) -> Iterator[Note]:
    """Notes on what is missing, and on the masks of other tools that take part.

    Parameters
    ----------
    foreign
        How good those masks are.
    """
    sets, first = room.sets, room.settings.first_teachers
    for record in foreign:
        yield Note(message=_about(room, record))
    if first and not sets.labeled:
        yield _warning(
            "no image is labeled to train on: the students learn from the masks of "
            f"{' and '.join(first)} alone"
        )
    if not sets.validation:
        yield _warning(
            "no validation image: students are kept as they end and are not ranked; "
            "label at least 4 images to get one"
        )
    elif len(sets.validation) < FEW_VALIDATION_IMAGES:
        images = "image says" if len(sets.validation) == 1 else "images say"
        yield _warning(
            f"only {len(sets.validation)} validation {images} how good a network is, so scores are rough; "
            "label more images, some of which validate"
        )
    flat = [example.name for example in sets.labeled + sets.validation if np.ptp(example.image_C_H_W) == 0]
    if flat:
        paths = ", ".join(room.project.catalog.image(image_id).path for image_id in flat[:MOST_NAMED])
        more = f" and {len(flat) - MOST_NAMED} more" if len(flat) > MOST_NAMED else ""
        yield _warning(
            f"{len(flat)} labeled images are the same everywhere (of one value, or not numbers): "
            f"{paths}{more}; look at them, and reject those that are broken"
        )
    yield from _about_classes(room)
    if room.last and not sets.unlabeled:
        yield _warning(
            "there is no unlabeled image, so every generation trains on the labels alone; add images that "
            "have no label yet, or set generations to 0"
        )


def afterthought(room: Room, records: Sequence[GenerationRecord]) -> Iterator[Note]:
    """What to try when no later generation is better than the first one."""
    scored = [record for record in records if record.score is not None]
    if len(scored) < 2 or best_of(records) is not scored[0] or scored[0].score == 1:
        return
    course = " → ".join(f"{record.score:.3f}" for record in scored)
    queue = room.sets.unlabeled or room.sets.begun
    tries = ["label the first images of the queue", *_remedies(room)] if queue else ["add unlabeled images"]
    yield _warning(
        f"later generations were not better ({TITLES[scored[0].metric_name]} {course}), so generation "
        f"{scored[0].generation} is used; to gain more, {', or '.join(tries)}"
    )


def when_untaught(room: Room, record: GenerationRecord) -> Iterator[Note]:
    """What is told where the teachers of a generation have nothing to teach."""
    curator = room.recipe.curator
    untaught = record.dropped and not record.kept
    if curator is None or not room.curates(record.generation) or not untaught or not room.sets.labeled:
        return
    why = (
        "no mask of an unlabeled image is judged to be good enough"
        if curator.judge_of == "masks"
        else "the teachers agree on too little of what there may be in the unlabeled images"
    )
    yield _warning(
        f"{why}, so generation {record.generation + 1} learns from the labels alone; "
        "label more images, or train longer (epochs)"
    )


def beyond_limits(room: Room) -> Iterator[Note]:
    """What is told where a limit for versions that is given lies beyond the derived other one."""
    curator = room.recipe.curator
    settings = None if curator is None else curator.settings
    if not isinstance(settings, VersionSettings) or not room.curates(0):
        return
    worst, best = room.limits
    if not settings.highest and settings.lowest > best:
        moved = f"lowest={settings.lowest:g} lies above the highest validation score of the first networks "
        moved += f"({best:.3f}), so highest is the same"
    elif not settings.lowest and 0 < settings.highest < worst:
        moved = f"highest={settings.highest:g} lies below the lowest validation score of the first networks "
        moved += f"({worst:.3f}), so lowest is the same"
    else:
        return
    yield _warning(f"{moved}: an image gets one augmented version up to this score, and five above it")


def _about(room: Room, record: MemberRecord) -> str:
    member, sets = Foreign(record.name, room.project, room.run), room.sets
    seen = sum(member.knows(image_id) for image_id in sets.unlabeled)
    told = f"{record.name} has masks of {seen} of {len(sets.unlabeled)} unlabeled images"
    if record.score is None:
        return f"{told} and of no validation image with a label, so nobody knows how good they are"
    return (
        f"{told}; {TITLES[metric_name(room.project.problem)]} {record.score:.3f} on {record.images} of "
        f"{len(sets.validation)} validation images"
    )


def _about_classes(room: Room) -> Iterator[Note]:
    """What no label shows, no network can find."""
    sets, names = room.sets, [one.name for one in room.project.info.classes]
    if not sets.labeled:
        return
    never = _never_shown(sets.labeled, room.project.problem, names)
    if never == names:
        yield _warning(
            f"no label to train on shows any {' or '.join(names)}, so nothing can be learned from them; "
            "paint some in at least one image and train again"
        )
    elif never:
        yield _warning(
            f"no label to train on shows any {' or '.join(never)}, so no network will find it; "
            "label an image that has some"
        )
    if sets.validation and _never_shown(sets.validation, room.project.problem, names) == names:
        yield _warning(
            f"no validation image shows any {' or '.join(names)}, so their scores say little; label some more"
        )


def _never_shown(examples: Sequence[Example], problem: Problem, names: list[str]) -> list[str]:
    """Classes that no target has a pixel of; objects of an instance project are one class."""

    def shows(target: NDArray[np.int16], index: int) -> bool:
        if problem.task is Task.MULTILABEL:
            return bool((target[index] == 1).any())
        if problem.task is Task.INSTANCES:
            return bool((target == INTERIOR).any())
        return bool((target == index + 1).any())

    return [
        name
        for index, name in enumerate(names)
        if not any(shows(example.target_H_W, index) for example in examples)
    ]


def _warning(message: str) -> Note:
    return Note(level="warning", message=message)


def _remedies(room: Room) -> Iterator[str]:
    """Settings that help where networks disagree along every edge and black pixels teach the wrong thing."""
    values = room.recipe.curator.settings.model_dump() if room.recipe.curator else {}
    if values.get("blocking") == "black":
        yield "set blocking to left-out"
