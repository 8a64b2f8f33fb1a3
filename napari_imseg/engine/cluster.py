"""Tasks on other machines, through a scheduler of dask.distributed that somebody has started."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

from napari_imseg.engine.elsewhere import Elsewhere
from napari_imseg.engine.room import Room
from napari_imseg.engine.tasks import Result
from napari_imseg.project.errors import ProjectError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 20


class Cluster(Elsewhere):
    """Does tasks on the workers of a dask scheduler, one task on each at a time.

    A worker that is lost costs the task that it was at: the scheduler gives it to another one,
    where it is done again from its seed. Workers may join and leave at any time.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    workers
        Tasks that are given out at a time; 0 = one for each worker there is.

    Raises
    ------
    ProjectError
        dask.distributed is not installed, no scheduler answers, or a worker does several tasks
        at a time.
    """

    def __init__(self, room: Room, address: str, workers: int) -> None:
        self._address, self._asked = address, workers
        self._client = _connect(address)
        super().__init__(room, self._client.get_executor(pure=False))

    @property
    def workers(self) -> int:
        """See `Executor`."""
        return self._asked or max(1, len(self._threads()))

    @property
    def description(self) -> str:
        """See `Executor`."""
        joined = len(self._threads())
        waiting = "" if joined else "; training begins when the first one joins"
        return f"{joined} workers of the cluster at {self._address}{waiting}"

    def _close(self) -> None:
        self._pool.shutdown(wait=False)
        self._client.close()

    def _result(self, future: Future[Result]) -> Result:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker:
            raise ProjectError(
                "several workers of the cluster were lost at the same task (out of memory?); "
                "choose a smaller tile or workers with more memory and resume the run"
            ) from None
        except CancelledError:
            raise self._gone() from None
        except ModuleNotFoundError as error:
            raise ProjectError(
                f"a worker of the cluster misses {error.name}; install the same napari-imseg on all machines"
            ) from None

    def _gone(self) -> ProjectError:
        return ProjectError(
            f"the cluster at {self._address} has gone; start it and resume the run with --cluster ADDRESS"
        )

    def _threads(self) -> dict[str, int]:
        """Threads of each worker.

        Raises
        ------
        ProjectError
            A worker has several: random numbers would mix. Or there is no cluster any more.
        """
        try:
            threads: dict[str, int] = self._client.nthreads()
        except OSError:
            raise self._gone() from None
        if any(count > 1 for count in threads.values()):
            raise ProjectError("start each worker of the cluster with: dask worker ADDRESS --nthreads 1")
        return threads


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise ProjectError(
            "a cluster needs dask.distributed; install the extra `cluster` of napari-imseg on all machines: "
            'pip install ".[cluster]"'
        ) from None
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError):
        raise ProjectError(
            f"no dask scheduler answers at '{address}'; start one with: dask scheduler "
            "(it prints the address, such as tcp://10.0.0.1:8786)"
        ) from None
