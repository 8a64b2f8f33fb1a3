"""What the user is doing: project, image, queue, class, method, run. Evented, without Qt."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import WeakKeyDictionary

from psygnal import SignalGroupDescriptor

if TYPE_CHECKING:
    from napari_imseg.project.catalog import Catalog
    from napari_imseg.project.project import Project
    from napari_imseg.project.records import ImageRecord, QueueRow
    from napari_imseg.project.runs import Run
    from napari_imseg.settings import Settings

OPEN_STATES: Final = ("unlabeled", "partial")
"""States of images that still want a label, in the order in which they are handed out."""

_PAGE: Final = 50
FEW: Final = 5
"""Labeled images from which on a first training makes sense."""


@dataclass(eq=False)
class Workspace:
    """What the user is doing in one viewer.

    Assigning to an attribute emits ``workspace.events.NAME``; panels listen and never talk
    to one another.

    Attributes
    ----------
    project
        The open project.
    image
        The image that is on screen.
    generation
        Generation whose predictions are shown and whose scores order the queue, such as
        ``r001-g2``; empty before the first one.
    ranking
        Name of the ranking that orders the queue.
    control_every
        The random control arm: every n-th image handed out is drawn at random; 0 = never.
    active_class
        Class (or mask, or instance id) that the brush paints.
    run
        The newest run, working or not.
    counts
        Images per state, and ``validation``, as last read from the catalog.
    method, objective
        What the next run will use.
    settings
        The last value of each settings form, by method, so that switching loses nothing.
    """

    project: Project | None = None
    image: ImageRecord | None = None
    generation: str = ""
    ranking: str = "in-order"
    control_every: int = 0
    active_class: int = 1
    run: Run | None = None
    counts: dict[str, int] = field(default_factory=dict)
    method: str = "inconsistency-masks"
    objective: str = "supervised"
    settings: dict[str, Settings] = field(default_factory=dict)
    events: ClassVar[Any] = SignalGroupDescriptor()

    def __post_init__(self) -> None:
        self._visited: list[str] = []
        self._handed_out = 0

    def open(self, project: Project) -> None:
        """Make a project the open one and forget everything about the last."""
        self.close()
        self.generation = project.catalog.current_generation or ""
        self.project = project

    def close(self) -> None:
        """Let go of the project; its lock is freed."""
        project, self.project = self.project, None
        self.image = None
        self.run = None
        self.counts = {}
        self.generation = ""
        self._visited.clear()
        self._handed_out = 0
        if project is not None:
            project.close()

    def visit(self, image: ImageRecord) -> None:
        """Put an image on the screen, and remember that it was there."""
        if image.id in self._visited:
            self._visited.remove(image.id)
        self._visited.append(image.id)
        self._handed_out += 1
        self.image = image

    def previous(self) -> str | None:
        """Id of the image that was on screen before this one."""
        return self._visited[-2] if len(self._visited) > 1 else None

    def back(self) -> str | None:
        """Forget the image on screen as the newest one; return the one before it."""
        before = self.previous()
        if before is not None:
            self._visited.insert(0, self._visited.pop())
        return before

    def upcoming(self, count: int) -> list[QueueRow]:
        """The next ``count`` images of the queue, those not seen since the project was opened first.

        Reads the catalog: slow enough for a worker. Images that people began in an earlier session come
        before all others, those whose imported labels are incomplete after them; when nothing else is left,
        those that were seen come again.
        """
        project = self.project
        rows: list[QueueRow] = []
        if project is None:
            return rows
        here = {self.image.id} if self.image else set()
        begun = set(project.catalog.begun_by_hand()) - set(self._visited)
        for place in range(self._handed_out, self._handed_out + count):
            taken = here | {row.record.id for row in rows}
            row = (
                self._by_chance(project, place, taken | set(self._visited))
                or self._by_rank(project.catalog, taken, begun - taken)
                or self._by_rank(project.catalog, taken | set(self._visited))
                or self._by_rank(project.catalog, taken)
            )
            if row is None:
                break
            rows.append(row)
        return rows

    def _by_rank(self, catalog: Catalog, without: set[str], only: set[str] | None = None) -> QueueRow | None:
        for state in OPEN_STATES if only is None else ("partial",) if only else ():
            offset = 0
            while rows := catalog.page(self.ranking, self.generation or None, offset, _PAGE, state):
                for row in rows:
                    if row.record.id not in without and (only is None or row.record.id in only):
                        return row
                offset += _PAGE
        return None

    def _by_chance(self, project: Project, place: int, without: set[str]) -> QueueRow | None:
        """An image for the control arm; the same for the same place, so that it can be read ahead."""
        if not self.control_every or place % self.control_every != self.control_every - 1:
            return None
        draw = random.Random(f"{project.info.seed} {place}")
        for _ in range(_PAGE):
            offset = draw.randrange(max(1, project.catalog.count(state="unlabeled")))
            for row in project.catalog.page(None, None, offset, 1, "unlabeled"):
                if row.record.id not in without:
                    return row
        return None


def read_counts(project: Project) -> dict[str, int]:
    """Images per state and in the validation set; reads the catalog."""
    counts = {state: project.catalog.count(state=state) for state in (*OPEN_STATES, "labeled", "rejected")}
    counts["validation"] = project.catalog.count(split="validation")
    return counts


def advice(counts: dict[str, int], generation: str, training: bool) -> str:
    """What to do next, in one sentence, from the counts of `read_counts`."""
    labeled, begun = counts.get("labeled", 0), counts.get("partial", 0)
    waiting = counts.get("unlabeled", 0) + begun
    if not counts:
        return "Open a project, or make a new one from a folder of images."
    if training:
        return "Training runs by itself: keep labeling, the queue follows."
    if labeled < FEW and waiting:
        return f"Label a few images first: {labeled} of {FEW} are done."
    if not generation:
        return f"{labeled} images are labeled. Now train a first generation."
    images = "1 image waits" if waiting == 1 else f"{waiting} images wait"
    if begun == waiting > 0:
        return f"{images} to be finished (◐ in the queue); then every image is labeled."
    if begun:
        return f"{images} in the queue, {begun} of them begun (◐)."
    if waiting:
        return f"{images} in the queue; the first one teaches most."
    return "Every image is labeled. Train once more, then look at the results."


_workspaces: WeakKeyDictionary[object, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: object) -> Workspace:
    """The one workspace of a viewer; two viewers never share one."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    return _workspaces.setdefault(viewer, Workspace())
