"""Images of a project, read batch by batch while others are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from napari_imseg.engine.prediction import same_shape_batches
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.project import Project


def read_batches(
    project: Project, image_ids: Sequence[str], voices: int
) -> Iterator[tuple[list[str], list[NDArray[np.float32]], dict[str, str]]]:
    """One batch after the other; the next is read meanwhile.

    Parameters
    ----------
    voices
        Members that will say something of each image: the more, the smaller the batches.

    Yields
    ------
    tuple
        Ids and images of those that can be read, and complaints about the others by their id.
    """
    shapes = [project.catalog.image(image_id).shape for image_id in image_ids]
    maps = max(1, voices) * project.problem.classes
    batches = [[image_ids[index] for index in batch] for batch in same_shape_batches(shapes, maps)]
    if not batches:
        return
    with ThreadPoolExecutor(1) as reader:
        coming = [reader.submit(_read, project, batch) for batch in batches[:1]]
        for following in [*batches[1:], None]:
            ready = coming.pop().result()
            if following is not None:
                coming.append(reader.submit(_read, project, following))
            yield ready


def _read(
    project: Project, image_ids: Sequence[str]
) -> tuple[list[str], list[NDArray[np.float32]], dict[str, str]]:
    ids, images, complaints = [], [], {}
    for image_id in image_ids:
        try:
            images.append(project.network_image(image_id, finite=True))
            ids.append(image_id)
        except ProjectError as error:
            complaints[image_id] = f"left out: {error}"
    return ids, images, complaints
