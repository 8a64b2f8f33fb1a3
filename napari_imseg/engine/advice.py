"""What a person should know before a run begins to work."""

from __future__ import annotations

from collections.abc import Iterator

from napari_imseg.engine.events import Note
from napari_imseg.engine.foreign import Foreign
from napari_imseg.engine.records import MemberRecord
from napari_imseg.engine.room import Room
from napari_imseg.engine.validation import metric_name


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
    if room.last and not sets.unlabeled:
        yield _warning("there is no unlabeled image, so every generation trains on the labels alone")


def _about(room: Room, record: MemberRecord) -> str:
    member, sets = Foreign(record.name, room.project, room.run), room.sets
    seen = sum(member.knows(image_id) for image_id in sets.unlabeled)
    told = f"{record.name} has masks of {seen} of {len(sets.unlabeled)} unlabeled images"
    if record.score is None:
        return f"{told} and of no validation image with a label, so nobody knows how good they are"
    return (
        f"{told}; {metric_name(room.project.problem)} {record.score:.3f} on {record.images} of "
        f"{len(sets.validation)} validation images"
    )


def _warning(message: str) -> Note:
    return Note(level="warning", message=message)
