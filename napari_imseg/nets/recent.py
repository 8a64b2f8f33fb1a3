"""Remember the last few results of a costly computation by the content of its arrays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The ``size`` results that were asked for last; may be used from several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[tuple[Any, ...], Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[Any, ...], compute: Callable[[], Value]) -> Value:
        """The result for ``key``, computed if it is not remembered."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = compute()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


def digest(array: NDArray[Any]) -> tuple[bytes, tuple[int, ...]]:
    """Key of the content of an array."""
    return blake2b(np.ascontiguousarray(array).data, digest_size=16).digest(), array.shape
