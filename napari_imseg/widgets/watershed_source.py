"""What instances are made of, and making them; for worker threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.watershed_options import WatershedOptions

if TYPE_CHECKING:
    from napari_imseg.core.interactive import InteractiveWatershed

Answer: TypeAlias = "tuple[InteractiveWatershed, NDArray[np.int32], int]"
"""What floods again, instances, and their number."""


@dataclass(frozen=True)
class Source:
    """Where instances come from.

    Attributes
    ----------
    load
        Gives the probabilities, float32 (3, H, W) or (3, D, H, W); called on a worker thread.
    like
        Layer that the instances lie on: gives scale, units and name.
    is_volume
        A volume, of which there is no preview while a slider moves.
    """

    load: Callable[[], NDArray[np.float32]]
    like: Any
    is_volume: bool = False


def flood_of(source: Source) -> InteractiveWatershed:
    """Read the probabilities."""
    from napari_imseg.core.interactive import InteractiveWatershed  # slow to import: not on the GUI thread

    return InteractiveWatershed(source.load())


def instances(flood: InteractiveWatershed, options: WatershedOptions) -> NDArray[np.int32]:
    """Instances as training, prediction and evaluation make them."""
    from napari_imseg.core.instances import watershed_instances  # as above

    return watershed_instances(flood.probabilities, **asdict(options))


def preview(flood: InteractiveWatershed, options: WatershedOptions) -> NDArray[np.int32]:
    """Nearly the same instances, many times faster."""
    return flood.preview(**asdict(options))


def answer_of(flood: InteractiveWatershed, ids: NDArray[np.int32]) -> Answer:
    """With the number of instances."""
    return flood, ids, int(np.count_nonzero(np.bincount(ids.ravel())[1:]))
