"""Several tasks at a time on this machine, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue

import torch

from napari_imseg.engine.elsewhere import Elsewhere
from napari_imseg.engine.room import Room
from napari_imseg.engine.tasks import Result
from napari_imseg.nets.environment import cores
from napari_imseg.project.errors import ProjectError


class Processes(Elsewhere):
    """Several tasks at a time, each in a process with its share of the cores, or with its GPU.

    Small networks gain next to nothing from a second thread, so two students that train side by
    side are nearly twice as fast as two that take turns (docs/benchmarks.md).
    """

    def __init__(self, room: Room, workers: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        turns: SimpleQueue[int] = spawn.SimpleQueue()
        for number in range(workers):
            turns.put(number)
        gpus = visible_gpus() if room.settings.device == "auto" else []
        pool = ProcessPoolExecutor(workers, spawn, _prepare, (turns, gpus, max(1, cores() // workers)))
        super().__init__(room, pool)
        self._workers = workers

    @property
    def workers(self) -> int:
        """See `Executor`."""
        return self._workers

    @property
    def description(self) -> str:
        """See `Executor`."""
        return f"{self._workers} processes of this machine"

    def _close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _result(self, future: Future[Result]) -> Result:
        try:
            return future.result()
        except BrokenProcessPool:
            raise ProjectError(
                "a process that trains ended without a word (killed, or out of memory); "
                "choose fewer workers or a smaller tile and resume the run"
            ) from None


def visible_gpus() -> list[str]:
    """Names of the NVIDIA GPUs that this process may use."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = allowed.split(",") if allowed else map(str, range(torch.cuda.device_count()))
    return list(names)[: torch.cuda.device_count()]


def _prepare(turns: SimpleQueue[int], gpus: list[str], threads: int) -> None:
    """Make a process of the pool ready: its GPU, or its share of the cores."""
    number = turns.get()
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    prepare_worker(threads)


def prepare_worker(threads: int) -> None:
    """Prepare a process of a pool: its share of the cores, and no life after its parent's death.

    Ctrl-C in a terminal reaches every process of the command; it is the parent that stops the work.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for what is not torch
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
