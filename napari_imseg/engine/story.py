"""What every generation of a run learned from, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from napari_imseg.engine.records import GenerationRecord, StudentRecord, read_record, record_path
from napari_imseg.engine.room import OWN, Room
from napari_imseg.method import Curator

ANEW: Final = "anew"
"""At random, or from weights of ImageNet or of a file."""


def story(room: Room, records: Sequence[GenerationRecord]) -> Iterator[str]:
    """A sentence about each generation, and one about the EvalNets; to be asked while the run is complete.

    Parameters
    ----------
    records
        Of all generations, first to last.
    """
    for record, before in zip(records, [None, *records], strict=False):
        if not record.teachers:
            tools = ", ".join(record.foreign)
            yield f"- **Generation {record.generation}:** no network; the masks of {tools} were the teachers."
            continue
        yield (
            f"- **Generation {record.generation}:** {_students(room, record)} "
            f"{_learned(room, record, before)}{_start(room, record.generation)}. The best "
            f"{len(record.teachers)} became teachers ({record.metric_name} of their ensemble on the "
            f"validation images: {'–' if record.score is None else f'{record.score:.4f}'})."
        )
        if record.generation == 0 and room.judging is not None:
            yield _judges(room)


def _students(room: Room, record: GenerationRecord) -> str:
    count = len(record.scores) - len(record.foreign)
    taken_over = room.settings.first_run if record.generation == 0 else ""
    return f"{count} students" + (f", the networks of run {taken_over}," if taken_over else "")


def _learned(room: Room, record: GenerationRecord, before: GenerationRecord | None) -> str:
    labeled, copies = len(room.sets.labeled), _copies(room)
    from_what = []
    if labeled:
        images = f"{labeled} labeled images" if before is None else "the labeled images"
        from_what.append(images + (f", each with {copies} augmented copies," if copies else ""))
    if before is not None and room.curates(before.generation):
        from_what.append(_pseudo_labels(room, record, before))
    seen = _seen(room, record.generation)
    if seen:
        from_what.append(
            f"{seen} unlabeled ones as they are ({room.recipe.loss(record.generation)[0].title})"
        )
    return f"learned from {' and from '.join(from_what)}".rstrip(",")


def _seen(room: Room, generation: int) -> int:
    """Unlabeled images that networks of a generation saw without any label."""
    return 0 if room.recipe.objective is None else len(room.seen(generation))


def _copies(room: Room) -> int:
    """Augmented copies of each labeled image."""
    labeled = len(room.sets.labeled)
    return len(room.labeled) // labeled - 1 if labeled else 0


def _pseudo_labels(room: Room, record: GenerationRecord, before: GenerationRecord) -> str:
    """What teachers, or masks of other tools, say of unlabeled images, and how many examples that gave."""
    curator = room.recipe.curator
    assert curator is not None
    alone = curator.asks_best_alone
    tools = f"the masks of {(' or else of ' if alone else ', ').join(before.foreign)}"
    networks = f"{_voices(curator)} of generation {before.generation}"
    heard = [networks] * bool(before.teachers)
    heard += [tools] * bool(before.foreign and not (alone and before.teachers))
    says = "says" if alone and before.teachers else "say"
    left_out = f" ({before.dropped} were left out)" if before.dropped else ""
    made = _training_images(room, record.generation) - len(room.labeled) - _seen(room, record.generation)
    versions = f", in {made} versions" if made > before.kept else ""
    return f"what {' and '.join(heard)} {says} of {before.kept} unlabeled ones{left_out}{versions}"


def _voices(curator: Curator) -> str:
    if curator.asks_best_alone:
        return "the best teacher"
    return "all students" if curator.asks_all_students else "the teachers"


def _training_images(room: Room, generation: int) -> int:
    """Images, and versions of them, that a network of a generation learned from."""
    place = room.seats(generation).index(OWN)
    return read_record(StudentRecord, record_path(room.run.checkpoints, generation, place)).training_images


def _start(room: Room, generation: int) -> str:
    """What the weights of later networks were before they learned."""
    if generation <= room.first or room.recipe.objective is None:
        return ""
    started = _started(room, generation)
    if len(started) > 1:
        return ", " + " and ".join(f"{count} starting {how}" for how, count in started.items())
    (how,) = started
    if how != ANEW:
        return f", starting {how}"
    if not room.settings.warm_start:
        return ""
    wider = room.width(generation) != room.width(generation - 1)
    why = "they are wider than the students" if wider else "they are other networks than the students"
    return f", starting {ANEW}, since {why} before them"


def _started(room: Room, generation: int) -> Counter[str]:
    """How many networks of a generation started from what."""
    before, numbered = generation - 1, room.settings.warm_start and room.recipe.curator is not None
    started: Counter[str] = Counter()
    for student, seat in enumerate(room.seats(generation)):
        if seat != OWN:
            continue
        start = read_record(StudentRecord, record_path(room.run.checkpoints, generation, student)).start
        if start is None:
            started[ANEW] += 1
        elif numbered and start == f"g{before}-s{student}.safetensors":
            started["from the weights of the students before them"] += 1
        else:
            started[f"from the weights of the best network of generation {before}"] += 1
    return started


def _judges(room: Room) -> str:
    judging = room.judging
    assert judging is not None
    compared = sum(seat.compared for seat in room.seats(0))
    others = f", and {compared} others that learned augmented copies of these, too," if compared else ""
    return (
        f"- **EvalNets:** {judging.settings.evalnets_trained} learned to judge masks from what the networks "
        f"of generation 0{others} say of the labeled images; the best {judging.settings.evalnets} judged "
        "together."
    )
