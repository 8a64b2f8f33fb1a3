"""From images to the probabilities of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.blending import blend
from napari_imseg.engine.recipe import find_method
from napari_imseg.engine.sides import KEY, seen_from
from napari_imseg.method import Classifier, Member
from napari_imseg.nets.devices import Hardware
from napari_imseg.nets.header import read_header
from napari_imseg.nets.member import NetworkMember
from napari_imseg.nets.networks import ARCHITECTURES

LARGEST_WHOLE = 1536 * 1536
"""Images with more pixels are predicted in overlapping windows."""

WINDOW = 512
BATCH_PIXELS = 2**22
BATCH_PROBABILITIES = 2**27
"""Most of them in a batch, of all members and classes: half a gigabyte."""


class Ensemble:
    """Several members that look at the same image.

    Parameters
    ----------
    members
        At least one; the best first.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        if not members:
            raise ValueError("an ensemble needs at least one member")
        self.members = tuple(members)

    def probabilities(self, image_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each member says: (K, classes, H, W)."""
        return _stacked((predict_image(member, image_C_H_W) for member in self.members), len(self.members))

    def mean(self, image_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean class probabilities (classes, H, W)."""
        mean: NDArray[np.float32] = self.probabilities(image_C_H_W).mean(axis=0)
        return mean

    def batch(self, images: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """`probabilities` of several images; images of one shape share a forward pass."""
        if len({image.shape for image in images}) > 1 or images[0][0].size > LARGEST_WHOLE:
            return [self.probabilities(image) for image in images]
        stacked = np.stack(images)
        answers = (member.probabilities(stacked) for member in self.members)
        return list(_stacked(answers, len(self.members), axis=1))


def _stacked(answers: Iterable[NDArray[np.float32]], count: int, axis: int = 0) -> NDArray[np.float32]:
    """``np.stack`` of ``count`` answers as they come: they are never in memory twice."""
    whole = np.empty(0, np.float32)
    for place, answer in enumerate(answers):
        if not place:
            shape = list(answer.shape)
            shape.insert(axis, count)
            whole = np.empty(shape, answer.dtype)
        whole[(slice(None),) * axis + (place,)] = answer
    return whole


def predict_image(member: Member, image_C_H_W: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class probabilities (classes, H, W); a large image is blended from overlapping windows."""
    if image_C_H_W[0].size <= LARGEST_WHOLE:
        answer: NDArray[np.float32] = member.probabilities(image_C_H_W[None])[0]
        return answer
    height, width = image_C_H_W.shape[1:]
    blended: NDArray[np.float32] | None = None
    for box, block in blend(
        (height, width), WINDOW, lambda box: image_C_H_W[(slice(None), *box)], member.probabilities, width
    ):
        if blended is None:
            blended = np.empty((len(block), height, width), np.float32)
        blended[(slice(None), *box)] = block
    assert blended is not None  # an image has pixels
    return blended


def same_shape_batches(shapes: Sequence[tuple[int, ...]], maps: int) -> list[range]:
    """Runs of neighbours of equal shape, small enough for memory; at least one image in each.

    Parameters
    ----------
    maps
        Probabilities of each pixel, 1 or more: members times classes.
    """
    most = min(BATCH_PIXELS, BATCH_PROBABILITIES // maps)
    batches: list[range] = []
    for index, shape in enumerate(shapes):
        room = most // (shape[-2] * shape[-1])
        if batches and shapes[index - 1] == shape and len(batches[-1]) < room:
            batches[-1] = range(batches[-1].start, index + 1)
        else:
            batches.append(range(index, index + 1))
    return batches


def load_member(path: Path, hardware: Hardware) -> Member:
    """Read a member that a run saved: a network or a classifier.

    Raises
    ------
    ValueError
        The file is missing, damaged, or of an unknown kind; one sentence says which.
    """
    header = read_header(path)
    if header.kind in ARCHITECTURES:
        member = NetworkMember.load(path, hardware)
        return seen_from(member, member.extra.get(KEY))
    method = find_method(header.kind)
    if not issubclass(method, Classifier):
        raise ValueError(f"{path.name} says that it holds '{header.kind}', which is not a classifier")
    return method.load(path)
