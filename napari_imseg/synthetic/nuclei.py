"""Fluorescent nuclei as a wide-field microscope shows them.

Three looks in unequal shares (flat oval nuclei of adherent cells, small round spotted nuclei,
crowded tissue), and a difficulty of each image: photon noise, haze, uneven light, defocus and
crowding grow with it. Debris and nuclei far out of focus are in the picture but not in the label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from napari_imseg.synthetic.blobs import Blob, draw, random_blob
from napari_imseg.synthetic.camera import Bits, expose
from napari_imseg.synthetic.fields import Field, broad_blur, radius_from_centre, smooth_field, speckle
from napari_imseg.synthetic.sample import Sample

FOCUS = (0.7, 1.5, 2.8)
"""Blur in pixels of nuclei in focus, a little off, and clearly off; all three are labeled."""


@dataclass(frozen=True)
class Look:
    """How the nuclei of one kind of preparation appear.

    Attributes
    ----------
    share
        How often the look occurs.
    radius, aspect, waviness
        Of the outlines; ``radius`` in pixels.
    cover
        Share of the image that nuclei cover.
    texture, grain
        Strength and size in pixels of the chromatin texture.
    spots
        Bright chromocentres per image of 256 x 256.
    """

    share: float
    radius: float
    aspect: float
    waviness: float
    cover: float
    texture: float
    grain: float
    spots: int


ADHERENT = Look(0.55, 15.0, 1.45, 0.03, 0.17, 0.10, 2.5, 0)
SPOTTED = Look(0.27, 9.5, 1.12, 0.03, 0.14, 0.16, 3.0, 1500)
TISSUE = Look(0.18, 8.5, 1.35, 0.06, 0.30, 0.22, 2.0, 250)
LOOKS = (ADHERENT, SPOTTED, TISSUE)


def make(
    seed: int,
    shape: tuple[int, int] = (256, 256),
    *,
    instances: bool = True,
    bits: Bits = 8,
    difficulty: float | None = None,
) -> Sample:
    """One image of nuclei and its true label.

    Parameters
    ----------
    seed
        The same seed and settings give the same sample.
    shape
        Height and width in pixels, at least 32 each.
    instances
        True: the label holds one id per nucleus; False: 1 for nucleus.
    bits
        8 (uint8) or 16 (uint16).
    difficulty
        0 (clean) to 1 (noisy, hazy, crowded); ``None`` draws it from the seed.
    """
    rng = np.random.default_rng(seed)
    drawn = float(rng.beta(1.3, 1.6))
    hard = drawn if difficulty is None else difficulty
    look = LOOKS[rng.choice(len(LOOKS), p=[look.share for look in LOOKS])]
    blobs = _place(rng, look, shape, hard)
    ids, light = _paint(rng, look, blobs, shape, hard)
    light = _surroundings(rng, light, look, hard)
    image = expose(
        rng,
        light,
        photons=float(np.exp(np.interp(hard, (0, 1), np.log((300, 28))))),
        read_noise=float(np.interp(hard, (0, 1), (0.7, 2.0))),
        exposure=float(rng.uniform(0.3, 1.05)),
        bits=bits,
    )
    label = ids if instances else (ids > 0).astype(np.int32)
    return Sample(image[None], label)


def _place(rng: np.random.Generator, look: Look, shape: tuple[int, int], hard: float) -> list[Blob]:
    """Nuclei in loose clusters; the harder the image, the closer they may come."""
    height, width = shape
    tries = max(40, 400 * height * width // 65536)
    crowding = smooth_field(rng, shape, grain=60)
    radius = look.radius * rng.uniform(0.85, 1.2) * rng.lognormal(0.0, 0.16, tries)
    y, x = (rng.uniform(-0.3 * radius, extent + 0.3 * radius) for extent in shape)
    here = crowding[np.clip(y, 0, height - 1).astype(int), np.clip(x, 0, width - 1).astype(int)]
    aspect = np.minimum(1.0 + (look.aspect - 1.0) * rng.gamma(3.0, 1 / 3, tries), 2.4)
    room = look.cover * rng.uniform(0.35, 1.5) * height * width
    nearest = float(np.interp(hard, (0, 1), (1.05, 0.78)))
    kept: list[int] = []
    for candidate in np.flatnonzero(rng.normal(size=tries) > here + 0.6):
        gaps = np.hypot(y[kept] - y[candidate], x[kept] - x[candidate])
        if room > 0 and np.all(gaps > nearest * (radius[kept] + radius[candidate])):
            kept.append(int(candidate))
            room -= np.pi * radius[candidate] ** 2
    return [random_blob(rng, y[k], x[k], radius[k], aspect[k], look.waviness) for k in kept]


def _paint(
    rng: np.random.Generator, look: Look, blobs: list[Blob], shape: tuple[int, int], hard: float
) -> tuple[NDArray[np.int32], Field]:
    """Ids and the light of the nuclei, each blurred by its own distance from the focus."""
    ids = np.zeros(shape, np.int32)
    planes = np.zeros((len(FOCUS), *shape), np.float32)
    texture = 1.0 + look.texture * smooth_field(rng, shape, look.grain)
    texture += speckle(rng, shape, look.spots * shape[0] * shape[1] // 65536, 1.3) * 0.35
    off_focus = np.array([1.0 - 0.6 * hard, 0.15 + 0.3 * hard, 0.05 + 0.3 * hard])
    for number, blob in enumerate(blobs, start=1):
        window, depth = draw(blob, shape)
        inside = np.clip(depth * blob.radius + 0.5, 0.0, 1.0)
        dome = np.sqrt(np.clip(depth * 1.6, 0.0, 1.0))  # flat nuclei have a plateau, round ones a top
        brightness = float(rng.lognormal(np.log(0.55) - 0.25 * hard, 0.42))
        plane = rng.choice(len(FOCUS), p=off_focus / off_focus.sum())
        planes[plane][window] += brightness * inside * (0.45 + 0.55 * dome)
        ids[window][inside >= 0.5] = number
    planes *= np.clip(texture, 0.2, 3.0)
    light = sum(ndimage.gaussian_filter(plane, blur) for plane, blur in zip(planes, FOCUS, strict=True))
    return relabel_sequential(ids)[0], np.asarray(light, np.float32)


def _surroundings(rng: np.random.Generator, light: Field, look: Look, hard: float) -> Field:
    """Add what is not labeled: nuclei far from the focus, haze, debris, uneven light."""
    shape = light.shape[0], light.shape[1]
    deep = np.zeros(shape, np.float32)
    for _ in range(rng.poisson(1 + 7 * hard)):
        y, x = rng.uniform(0, shape)
        window, depth = draw(random_blob(rng, y, x, look.radius * 1.2, 1.2, 0.03), shape)
        deep[window] += np.clip(depth * 5, 0.0, 1.0) * rng.uniform(0.15, 0.55)
    haze = 0.06 + 0.16 * hard * np.exp(0.5 * smooth_field(rng, shape, grain=70))
    scattered = broad_blur(light, 14.0) * (0.15 + 0.4 * hard)  # light of the neighbours
    axis = radius_from_centre(rng, shape)
    vignette = 1.0 - rng.uniform(0.1, 0.25 + 0.35 * hard) * axis**2
    area = shape[0] * shape[1] / 65536
    debris = speckle(rng, shape, rng.poisson(area * (3 + 10 * hard)), 1.1)
    debris += speckle(rng, shape, rng.poisson(area * 3 * hard), 2.6) * 0.6
    total = light + broad_blur(deep, 7.0) + scattered + haze + debris * 0.6
    return np.asarray(total * vignette, np.float32)
