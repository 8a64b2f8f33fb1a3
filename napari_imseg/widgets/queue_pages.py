"""The queue page by page: 100,000 images without reading more than what is on the screen; no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from napari_imseg import rankings
from napari_imseg.project.project import Project
from napari_imseg.project.records import QueueRow, State
from napari_imseg.ranking import Ranking
from napari_imseg.registry import UnknownName, classes_in, find
from napari_imseg.workspace import OPEN_STATES

PAGE: Final = 100
_MOST_PAGES: Final = 40

STATE_WORDS: Final[dict[State, str]] = {
    "unlabeled": "not labeled",
    "partial": "begun",
    "labeled": "labeled",
    "rejected": "rejected",
}
"""States as people read them."""

FILTERS: Final[dict[str, tuple[State, ...]]] = {
    "To label": OPEN_STATES,
    "Begun": ("partial",),
    "Labeled": ("labeled",),
    "Rejected": ("rejected",),
    "All": ("unlabeled", "partial", "labeled", "rejected"),
}
"""What the list can be narrowed to."""


@dataclass(frozen=True)
class Query:
    """Which images, in which order."""

    ranking: str = "in-order"
    generation: str = ""
    states: tuple[State, ...] = OPEN_STATES

    def count(self, project: Project) -> int:
        """How many images there are; reads the catalog."""
        return project.catalog.count(state=self.states)

    def page(self, project: Project, number: int) -> list[QueueRow]:
        """The images of a page; reads the catalog."""
        generation, beside = self.generation or None, rankings.QUALITY
        return project.catalog.page(self.ranking, generation, number * PAGE, PAGE, self.states, beside)


class Pages:
    """The pages that were read last."""

    def __init__(self) -> None:
        self._pages: OrderedDict[int, Sequence[QueueRow]] = OrderedDict()

    def get(self, place: int) -> QueueRow | None:
        """The image at a place, from 0, if its page is here."""
        page = self._pages.get(place // PAGE)
        if page is None or place % PAGE >= len(page):
            return None
        self._pages.move_to_end(place // PAGE)
        return page[place % PAGE]

    def put(self, number: int, rows: Sequence[QueueRow]) -> None:
        """Keep a page, and forget the one that was not wanted for longest."""
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)

    def numbers(self) -> list[int]:
        """Pages that are here, the one wanted last at the end."""
        return list(self._pages)

    def place_of(self, image_id: str) -> int | None:
        """Where an image is, if its page is here."""
        for number, page in self._pages.items():
            for place, row in enumerate(page):
                if row.record.id == image_id:
                    return number * PAGE + place
        return None


def ranking_titles() -> dict[str, str]:
    """Titles of all rankings by name."""
    return {name: kind.title for name, kind in classes_in(rankings, Ranking).items()}


def reason(ranking: str, score: float | None) -> str:
    """Why an image has its place in the queue, in a few words."""
    if ranking == "in-order":
        return ""
    try:
        criterion = find(rankings, Ranking, ranking)
    except UnknownName:  # written by another version
        return "not ranked yet" if score is None else f"{ranking} {score:.3g}"
    if score is None:
        return "train with predicted quality to know" if criterion.needs_quality else "not ranked yet"
    return str(criterion().reason(score))


def quality(ranking: str, row: QueueRow) -> str:
    """How good the suggestion probably is, where that is known and not the reason already."""
    if row.beside is None or ranking == rankings.QUALITY:
        return ""
    return reason(rankings.QUALITY, row.beside)
