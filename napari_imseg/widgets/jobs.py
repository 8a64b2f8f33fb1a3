"""Slow work off the GUI thread: answers come back on it, and late ones are dropped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from napari.utils.notifications import notification_manager
from qtpy.QtCore import QObject, Qt, Signal

from napari_imseg.project.errors import sentence
from napari_imseg.widgets import notify
from napari_imseg.widgets.project_log import LOGGER

T = TypeVar("T")


@dataclass(frozen=True)
class _Answer:
    topic: str
    number: int
    future: Future[Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]


class Jobs(QObject):
    """Runs functions on *lanes*, threads that never wait for one another.

    Requests are numbered by *topic* (by lane where none is given). Asking again makes every
    earlier request of the topic obsolete: it is not started any more, and its answer, should
    it still come, is dropped. The object has no Qt parent, so that it outlives the widgets
    for as long as one of its threads still holds it.
    """

    _answered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._newest: dict[str, int] = {}
        self._waiting: dict[str, _Answer] = {}
        self._closed = False
        # Queued, always: work that has ended before `run` returns would else be answered within `run`.
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        lane: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        *,
        topic: str | None = None,
        failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Call ``work`` on a thread, then ``done`` with its result on the GUI thread.

        Parameters
        ----------
        lane
            Work on one lane runs in the order it was given, one at a time.
        topic
            Only the newest request of a topic is answered; ``None`` means the lane.
        failed
            Called on the GUI thread with what ``work`` raised; the user is told by default.
        """
        if self._closed:
            return
        topic = topic or lane
        self.forget(topic)
        number = self._newest[topic]
        if lane not in self._lanes:
            self._lanes[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"imseg-{lane}")
        future = self._lanes[lane].submit(work)
        answer = self._waiting[topic] = _Answer(topic, number, future, done, failed or report)
        future.add_done_callback(lambda _: self._answered.emit(answer))

    def forget(self, topic: str) -> None:
        """Make every request of a topic obsolete."""
        self._newest[topic] = self._newest.get(topic, 0) + 1
        waiting = self._waiting.pop(topic, None)
        if waiting is not None:
            waiting.future.cancel()

    def forget_all(self) -> None:
        """Make every request obsolete."""
        for topic in list(self._newest):
            self.forget(topic)

    def settle(self, topic: str) -> None:
        """Make every request of a topic obsolete, and wait until what is running has ended."""
        running = self._waiting.get(topic)
        self.forget(topic)
        if running is not None:
            wait([running.future])

    def finish(self, topic: str) -> None:
        """Wait for the newest request of a topic, and answer it now."""
        running = self._waiting.get(topic)
        if running is not None:
            wait([running.future])
            self._deliver(running)

    def is_busy(self, topic: str) -> bool:
        """True while the newest request of a topic has no answer yet."""
        return topic in self._waiting

    def close(self) -> None:
        """Start nothing more and answer nothing more; running work ends by itself."""
        self._closed = True
        self._waiting.clear()
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, answer: _Answer) -> None:
        if self._closed or answer.number != self._newest.get(answer.topic):
            return
        self.forget(answer.topic)  # it is answered once, though `finish` was faster than the signal
        try:
            result = answer.future.result()
        except CancelledError:
            return
        except Exception as error:
            answer.failed(error)
            return
        answer.done(result)


def report(error: BaseException) -> None:
    """Tell the user what a job raised.

    ``ValueError``, ``OSError`` and ``MemoryError`` have a sentence for the user; anything else
    is a bug, which napari shows with its traceback.
    """
    if isinstance(error, ValueError | OSError | MemoryError):
        notify.error(sentence(error), error)
    else:
        LOGGER.error("a bug", exc_info=error)
        notification_manager.receive_error(type(error), error, error.__traceback__)
