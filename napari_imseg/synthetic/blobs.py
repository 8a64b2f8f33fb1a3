"""Closed wavy outlines: the shape of a nucleus, a cell, a grain of dirt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WAVES: Final = np.arange(2, 6)
"""Harmonics of the outline: 2 is a waist, 3 to 5 are corners and dents."""


@dataclass(frozen=True)
class Blob:
    """A wavy ellipse.

    Attributes
    ----------
    y, x
        Centre in pixels.
    radius
        Mean radius in pixels.
    aspect
        Long axis over short axis, at least 1.
    angle
        Direction of the long axis in radians.
    amplitudes, phases
        Of the harmonics `WAVES`; amplitudes are relative to the radius.
    """

    y: float
    x: float
    radius: float
    aspect: float
    angle: float
    amplitudes: NDArray[np.float64]
    phases: NDArray[np.float64]

    @property
    def reach(self) -> float:
        """No point of the outline is farther from the centre than this, in pixels."""
        return self.radius * float(np.sqrt(self.aspect)) * (1.0 + float(np.abs(self.amplitudes).sum()))


def random_blob(
    rng: np.random.Generator, y: float, x: float, radius: float, aspect: float, waviness: float
) -> Blob:
    """A blob with random direction and waves; ``waviness`` 0 is an ellipse, 0.1 has clear dents."""
    amplitudes = rng.normal(0.0, waviness, WAVES.size) / np.sqrt(WAVES - 1)
    angle, *phases = rng.uniform(0.0, 2 * np.pi, 1 + WAVES.size)
    return Blob(y, x, radius, aspect, angle, amplitudes, np.array(phases))


def draw(blob: Blob, shape: tuple[int, int]) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
    """Rasterise a blob inside the smallest window that holds it.

    Returns
    -------
    window
        Slices into an (H, W) array; empty if the blob lies outside.
    depth_h_w
        float32; 0 on the outline, positive inside (about 1 in the centre), negative outside,
        in units of the radius.
    """
    reach = blob.reach + 2
    window = tuple(
        slice(int(np.clip(centre - reach, 0, extent)), int(np.clip(centre + reach + 1, 0, extent)))
        for centre, extent in zip((blob.y, blob.x), shape, strict=True)
    )
    dy = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] - np.float32(blob.y)
    dx = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] - np.float32(blob.x)
    cosine, sine = np.float32(np.cos(blob.angle)), np.float32(np.sin(blob.angle))
    long_axis, short_axis = (np.float32(blob.radius * blob.aspect**power) for power in (0.5, -0.5))
    along = (cosine * dx + sine * dy) / long_axis
    across = (cosine * dy - sine * dx) / short_axis
    distance = np.hypot(along, across)
    turn = (along + 1j * across) / np.maximum(distance, np.float32(1e-6))  # e^(i theta)
    contour = np.ones_like(distance)
    power = turn
    for amplitude, phase in zip(blob.amplitudes, blob.phases, strict=True):
        power = power * turn  # e^(i k theta), k = 2, 3, ...
        contour += np.float32(amplitude) * (power * np.complex64(np.exp(1j * phase))).real
    depth_h_w = np.asarray(contour - distance, np.float32)
    return (window[0], window[1]), depth_h_w
