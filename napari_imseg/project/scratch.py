"""Arrays that are larger than memory, in files that nobody keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray


class ScratchArray:
    """An array in a file; it is mapped into memory for a moment whenever a part of it is used.

    Parameters
    ----------
    path
        Of the ``.npy`` file, which is made; all 0 at first.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
        self.shape = shape
        self._path = path
        open_memmap(path, mode="w+", dtype=dtype, shape=shape)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """A copy of a part."""
        return np.array(open_memmap(self._path, mode="r")[index])

    def __setitem__(self, index: Any, values: NDArray[Any], /) -> None:
        """Write a part."""
        open_memmap(self._path, mode="r+")[index] = values
