"""What the networks of a generation say of an image, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_imseg.project.atomic import replacing
from napari_imseg.project.deflate import write_pages
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.masks import read_mask_and_page, write_mask

REMEDY: Final = "train again to get it anew; no label is lost"


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction as the project keeps it.

    Attributes
    ----------
    pseudo_label_H_W
        int32 ids; (C, H, W) for ``multilabel``.
    im_H_W
        The inconsistency mask, bool.
    probabilities_C_H_W
        float32 in [0, 1] in steps of 1/255, if they were kept.
    """

    pseudo_label_H_W: NDArray[np.int32]
    im_H_W: NDArray[np.bool_]
    probabilities_C_H_W: NDArray[np.float32] | None


def write(path: Path, probabilities_path: Path, prediction: StoredPrediction) -> None:
    """Write pseudo-label and IM as pages of one TIFF, and probabilities beside it.

    Not waited for until they are on the disk itself: predictions can be made again.

    Raises
    ------
    ProjectError
        The files could not be written.
    """
    probabilities = prediction.probabilities_C_H_W
    if probabilities is None:
        probabilities_path.unlink(missing_ok=True)
    else:
        with replacing(probabilities_path, durable=False) as path_now, tifffile.TiffWriter(path_now) as tiff:
            write_pages(tiff, np.rint(probabilities * 255).astype(np.uint8))
    im = prediction.im_H_W.astype(np.uint8)
    write_mask(path, prediction.pseudo_label_H_W, extra_page=im, durable=False)


def read(path: Path, probabilities_path: Path) -> StoredPrediction:
    """Read what `write` wrote.

    Raises
    ------
    ProjectError
        There is no prediction, or it is damaged.
    """
    label, im = read_mask_and_page(path, remedy=REMEDY)
    assert im is not None
    probabilities = None
    if probabilities_path.exists():
        try:
            stored = tifffile.imread(probabilities_path).reshape(-1, *im.shape)
        except Exception as error:  # a damaged file may raise anything
            raise ProjectError(f"'{probabilities_path}' is damaged ({error}); {REMEDY}") from error
        probabilities = stored.astype(np.float32) / 255
    return StoredPrediction(label, im.astype(bool), probabilities)
