"""Connections to one SQLite file for several threads and processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from napari_imseg.project.errors import ProjectError
from napari_imseg.project.network_drives import on_network

BUSY_SECONDS = 10.0
"""How long to wait for another process that is writing."""


class Database:
    """A pool of connections: each is lent to one thread at a time.

    Readers never wait for writers (write-ahead log). Connections are not bound to
    threads, so worker threads that come and go leave none behind. Where the folder cannot be
    written, the file can still be read.

    Parameters
    ----------
    path
        Made if it does not exist.
    durable
        Wait for every change until it is on the disk itself.
    remedy
        What to do if the file is damaged.
    """

    def __init__(self, path: Path, *, durable: bool = True, remedy: str = "restore it from a backup") -> None:
        self.path = path
        self._durable = durable
        self._remedy = remedy
        # Processes on two machines cannot share the memory that a write-ahead log needs.
        self._journal = "DELETE" if on_network(path) else "WAL"
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in autocommit mode.

        Raises
        ------
        ProjectError
            The database is closed, busy, broken, or cannot be written.
        """
        try:
            lent = self._take()
            try:
                yield lent
            finally:
                if lent.in_transaction:
                    lent.execute("ROLLBACK")
                self._give_back(lent)
        except sqlite3.Error as error:
            raise ProjectError(self._sentence(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection whose changes are kept together, or not at all after an error."""
        with self.connection() as lent:
            lent.execute("BEGIN IMMEDIATE")
            yield lent
            lent.execute("COMMIT")

    def close(self) -> None:
        """Close every connection; those lent out close when they come back."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise ProjectError(f"'{self.path.parent}' is closed; open the project again")
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self.path.exists() and not _writable(self.path):
            return self._connect_to_read()
        synchronous = "FULL" if self._durable else "OFF"
        return _connected(
            str(self.path),
            f"PRAGMA journal_mode = {self._journal}",
            f"PRAGMA synchronous = {synchronous}",
            "PRAGMA foreign_keys = ON",
        )

    def _connect_to_read(self) -> sqlite3.Connection:
        """Read where nothing can be written, not even the index of a write-ahead log."""
        address = f"{self.path.resolve().as_uri()}?mode=ro"
        try:
            return _connected(address, "SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            if self.path.with_name(f"{self.path.name}-wal").exists():  # the newest changes are in there
                raise
            return _connected(f"{address}&immutable=1", "SELECT count(*) FROM sqlite_master")

    def _give_back(self, connection: sqlite3.Connection) -> None:
        self._idle.put(connection)
        if self._closed:
            self.close()

    def _sentence(self, error: sqlite3.Error) -> str:
        text = str(error)
        if "locked" in text or "busy" in text:
            return f"another program is writing to '{self.path}'; try again when it is done"
        if "not a database" in text or "malformed" in text:
            return f"'{self.path}' is damaged ({text}); {self._remedy}"
        return (
            f"'{self.path}' cannot be used ({text}); check that the folder is writable and the disk not full"
        )


def _connected(address: str, *statements: str) -> sqlite3.Connection:
    """A connection on which ``statements`` were executed; the address is a path or a URI."""
    connection = sqlite3.connect(
        address,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=address.startswith("file:"),
    )
    try:
        for statement in statements:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
