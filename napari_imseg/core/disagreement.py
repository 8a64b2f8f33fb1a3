"""Where the members of an ensemble disagree: the inconsistency mask (IM) and the agreed label.

Source: Inconsistency Masks, Algorithms 1 and 2, section 2.4.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_imseg.core.problem import BACKGROUND, INCONSISTENT, Problem, Task


def hard_labels(probabilities_K_C_H_W: NDArray[np.floating[Any]], problem: Problem) -> NDArray[np.int16]:
    """The class of the highest probability; the lowest id wins a tie.

    Parameters
    ----------
    probabilities_K_C_H_W
        Class probabilities of K members, one channel per class of ``problem``.

    Returns
    -------
    ndarray
        int16 (K, H, W). For ``multilabel`` (K, C, H, W): 1 where a probability is above 0.5.

    Raises
    ------
    ValueError
        The array is not (K, C, H, W) with the classes of ``problem``.
    """
    shape = probabilities_K_C_H_W.shape
    if len(shape) != 4 or shape[1] != problem.classes:
        raise ValueError(
            f"expected probabilities of shape (members, {problem.classes}, height, width), got {shape}"
        )
    if problem.task is Task.MULTILABEL:
        return (probabilities_K_C_H_W > 0.5).astype(np.int16)
    best = probabilities_K_C_H_W[:, 0]
    labels = np.zeros(best.shape, np.int16)
    for class_id in range(1, problem.classes):  # a pass per class is much faster than np.argmax over axis 1
        candidate = probabilities_K_C_H_W[:, class_id]
        np.copyto(labels, class_id, where=candidate > best)
        if class_id + 1 < problem.classes:
            best = np.maximum(best, candidate)
    return labels


def inconsistency(labels_K_H_W: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Agreed label and inconsistency mask of K hard labels.

    Both algorithms of the paper are this one formula::

        F = l_1 where l_1 = l_2 = ... = l_K, else 0
        I = not (l_1 = l_2 = ... = l_K)

    Parameters
    ----------
    labels_K_H_W
        Class ids of at least two members; (K, C, H, W) of 0/1 for ``multilabel``.

    Returns
    -------
    agreed
        int16 (H, W): the common class, 0 where members disagree. (C, H, W) for ``multilabel``,
        where each channel is agreed on by itself.
    im
        bool (H, W): True where members disagree (in any channel for ``multilabel``).

    Raises
    ------
    ValueError
        There are fewer than two members, or the array has another number of axes.
    """
    if labels_K_H_W.ndim not in (3, 4):
        raise ValueError(f"expected labels of shape (members, height, width), got {labels_K_H_W.shape}")
    if len(labels_K_H_W) < 2:
        raise ValueError(
            f"an inconsistency mask needs the labels of at least two members, got {len(labels_K_H_W)}"
        )
    first, *others = labels_K_H_W
    differs = np.zeros(first.shape, bool)
    for label in others:
        differs |= label != first
    agreed = np.where(differs, BACKGROUND, first).astype(np.int16, copy=False)
    return agreed, _any_channel(differs)


def ensemble_label(
    probabilities_K_C_H_W: NDArray[np.float32], problem: Problem, unanimous: bool
) -> NDArray[np.int16]:
    """One label of K members, every pixel of which is learned (ME, IE; METHODS 1.4).

    Parameters
    ----------
    unanimous
        True: the class that all members give, background where they differ. False: the class
        of the highest mean probability.

    Returns
    -------
    ndarray
        int16 (H, W); (C, H, W) of 0/1 for ``multilabel``.

    Raises
    ------
    ValueError
        There are fewer than two members.
    """
    if len(probabilities_K_C_H_W) < 2:
        raise ValueError(f"an ensemble needs at least two members, got {len(probabilities_K_C_H_W)}")
    if unanimous:
        return inconsistency(hard_labels(probabilities_K_C_H_W, problem))[0]
    soft: NDArray[np.int16] = hard_labels(probabilities_K_C_H_W.mean(axis=0, keepdims=True), problem)[0]
    return soft


def same_classes(labels_K_H_W: NDArray[np.int16]) -> bool:
    """True if all members find the same classes (or masks) in an image, wherever they are.

    Parameters
    ----------
    labels_K_H_W
        As for `inconsistency`.
    """
    masks = labels_K_H_W.ndim == 4
    found = [[mask.any() for mask in label] if masks else np.unique(label).tolist() for label in labels_K_H_W]
    return all(classes == found[0] for classes in found)


def enough_foreground(agreed_H_W: NDArray[np.int16], im_H_W: NDArray[np.bool_]) -> bool:
    """True if more pixels are agreed foreground than inconsistent: ``|F| > |I|`` (so ``|F| > 0``).

    The filter of the paper for one foreground class; both are counted before any morphology.
    """
    return bool(np.count_nonzero(agreed_H_W) > np.count_nonzero(im_H_W))


def block(
    image_C_H_W: NDArray[np.float32], target_H_W: NDArray[np.int16], im_H_W: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Black out the inconsistent pixels of an image and mark them in its target.

    Parameters
    ----------
    image_C_H_W
        Image, any number of channels.
    target_H_W
        Class ids (H, W), or (C, H, W) for ``multilabel``.
    im_H_W
        The pixels to block.

    Returns
    -------
    tuple
        Copies: the image with 0, and the int16 target with `INCONSISTENT`, where ``im_H_W``.
    """
    image = np.where(im_H_W, 0, image_C_H_W).astype(image_C_H_W.dtype, copy=False)
    target = np.where(im_H_W, INCONSISTENT, target_H_W).astype(np.int16, copy=False)
    return image, target


@dataclass(frozen=True)
class ImSize:
    """Size of an inconsistency mask.

    Attributes
    ----------
    pixels
        Number of inconsistent pixels.
    fraction
        ``pixels`` divided by the pixels of the image.
    foreground
        Number of agreed foreground pixels.
    """

    pixels: int
    fraction: float
    foreground: int

    @property
    def relative(self) -> float:
        """``pixels`` divided by ``foreground``, at least one pixel; always finite."""
        return self.pixels / max(1, self.foreground)


def im_size(agreed_H_W: NDArray[np.int16], im_H_W: NDArray[np.bool_]) -> ImSize:
    """Size of an inconsistency mask: absolute, of the image, and relative to the agreed foreground.

    The size of the union: a pixel on which members disagree in several masks of a ``multilabel`` image
    counts once, as it is blocked once. The released code adds up the sizes of the masks.

    Parameters
    ----------
    agreed_H_W, im_H_W
        As `inconsistency` returns them; a pixel of a ``multilabel`` image is foreground if any
        of its channels is.
    """
    pixels = int(np.count_nonzero(im_H_W))
    foreground = int(np.count_nonzero(_any_channel(agreed_H_W > BACKGROUND)))
    return ImSize(pixels, pixels / max(1, im_H_W.size), foreground)


def _any_channel(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) as it is; (C, H, W) to (H, W) by union."""
    return mask if mask.ndim == 2 else np.logical_or.reduce(mask, axis=0)
