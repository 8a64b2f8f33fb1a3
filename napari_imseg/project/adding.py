"""Bring image files into the catalog; only their headers are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from napari_imseg.project import images
from napari_imseg.project.catalog import Catalog
from napari_imseg.project.contents import Contents
from napari_imseg.project.errors import ProjectError, reason
from napari_imseg.project.fingerprints import fingerprint, modified_ns
from napari_imseg.project.images import Unit
from napari_imseg.project.info import ProjectInfo
from napari_imseg.project.paths import image_id
from napari_imseg.project.progress import Progress
from napari_imseg.project.records import NewFile, NewImage
from napari_imseg.project.scanning import find_images
from napari_imseg.project.sources import relative

RGB = 3
"""Channels of a file that may turn out to be grey."""

READERS = 8
"""Headers read at once: on a network drive, waiting is most of the time."""


@dataclass(frozen=True)
class Candidate:
    """A file that can be read.

    Attributes
    ----------
    path
        Absolute.
    within
        Path within the folder that was given.
    """

    path: Path
    within: str
    found: Contents
    units: list[Unit]
    fingerprint: str
    modified_ns: int


def add_images(
    folder: Path,
    info: ProjectInfo,
    catalog: Catalog,
    paths: Path | str | Sequence[Path | str],
    warnings: list[str],
    progress: Progress,
) -> int:
    """Add files and folders to a project; see `Project.add_images`."""
    candidates = survey(listed(paths), [], info.tile, warnings, progress)
    return store(folder, info.channels, info.group_by, catalog, candidates, warnings)


def listed(paths: Path | str | Sequence[Path | str]) -> list[Path]:
    """One path or several as a list."""
    return [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]


def survey(
    paths: Iterable[Path], skip: Iterable[Path], tile: int, warnings: list[str], progress: Progress
) -> list[Candidate]:
    """Look into every image file; what cannot be read is left out with a warning.

    Raises
    ------
    ProjectError
        A path does not exist, or there is no image that can be read.
    """
    paths = list(paths)
    found = list(dict(find_images(paths, skip, warnings)).items())
    places = " or ".join(f"'{path}'" for path in paths)
    if not found:
        raise ProjectError(
            f"there is no image in {places}; expected TIFF, PNG, JPEG or what a napari plugin reads"
        )
    looked = []
    with ThreadPoolExecutor(READERS) as pool:
        for item in pool.map(lambda pair: _look(pair[0], pair[1], tile), found):
            looked.append(item)
            progress("reading images", len(looked), len(found))
    candidates = _without_sentences(looked, warnings)
    warnings += [f"'{item.path}': {item.found.note}" for item in candidates if item.found.note]
    if not candidates:
        raise ProjectError(f"no image in {places} can be read; the first: {next(iter(warnings))}")
    return candidates


def most_common_channels(candidates: Sequence[Candidate]) -> int:
    """The channels that most files have."""
    return Counter(item.found.layout.channels for item in candidates).most_common(1)[0][0]


def all_grey(
    candidates: Sequence[Candidate], warnings: list[str], progress: Progress
) -> list[Candidate] | None:
    """All RGB files as grey ones; ``None`` as soon as one of them has colours.

    Files whose pixels cannot be read are left out with a warning.
    """
    rgb = [item for item in candidates if item.found.layout.channels == RGB]
    seen: dict[Path, Candidate | str] = {}
    with ThreadPoolExecutor(READERS) as pool:
        for item, answer in zip(rgb, pool.map(_as_grey, rgb), strict=True):
            if answer is item:
                pool.shutdown(cancel_futures=True)
                return None
            seen[item.path] = answer
            progress("looking for colours", len(seen), len(rgb))
    return _without_sentences((seen.get(item.path, item) for item in candidates), warnings)


def store(
    folder: Path,
    channels: int,
    group_by: str,
    catalog: Catalog,
    candidates: Sequence[Candidate],
    warnings: list[str],
) -> int:
    """Write what was surveyed into the catalog; returns how many images are new."""
    if channels == 1:
        candidates = _without_sentences(map(_as_grey, candidates), warnings)
    fitting = [item for item in candidates if item.found.layout.channels == channels]
    for item in candidates:
        if item.found.layout.channels != channels:
            warnings.append(
                f"'{item.path}' has {item.found.layout.channels} channels and this project's images have "
                f"{channels}; left out"
            )
    return catalog.add_files(_rows(folder, group_by, fitting))


def _as_grey(item: Candidate) -> Candidate | str:
    """The same file, with one channel if it is RGB that has no colours; or a sentence why it is left out."""
    try:
        if not images.is_grey(item.path):
            return item
    except ProjectError as error:
        return f"{error}; left out"
    found = replace(item.found, layout=item.found.layout.seen_as(1))
    units = [replace(unit, shape=(1, *unit.shape[1:])) for unit in item.units]
    return replace(item, found=found, units=units)


def _without_sentences(items: Iterable[Candidate | str], warnings: list[str]) -> list[Candidate]:
    """The files; sentences go to the warnings."""
    kept = []
    for item in items:
        if isinstance(item, str):
            warnings.append(item)
        else:
            kept.append(item)
    return kept


def _look(path: Path, within: str, tile: int) -> Candidate | str:
    """The file, or a sentence why it is left out."""
    try:
        str(path).encode("utf-8")
        units = images.read_units(path, tile)
        return Candidate(path, within, images.contents(path), units, fingerprint(path), modified_ns(path))
    except UnicodeEncodeError:
        return f"{str(path)!r} has a name that is not valid text; rename it; left out"
    except ProjectError as error:
        return f"{error}; left out"
    except OSError as error:
        return f"'{path}' cannot be read ({reason(error)}); left out"


def _rows(folder: Path, group_by: str, candidates: Iterable[Candidate]) -> Iterator[NewFile]:
    for item in candidates:
        path = relative(item.path, folder)
        units = [
            NewImage(image_id(path, unit.plane, unit.tile), unit.plane, unit.tile, unit.shape, unit.dtype)
            for unit in item.units
        ]
        yield NewFile(path, item.fingerprint, item.modified_ns, group_of(item.within, group_by), units)


def check_expression(group_by: str) -> None:
    """Refuse what `group_of` could not look for."""
    try:
        re.compile(group_by)
    except re.error as error:
        raise ProjectError(f"'{group_by}' is not a regular expression ({error})") from None


def group_of(within: str, group_by: str) -> str:
    """Group of a file: what the expression finds in its path, or the file alone.

    ``within`` is the path in the folder that was given, so that the same images get the same
    split wherever the project lies.
    """
    match = re.search(group_by, within) if group_by else None
    if match is None:
        return within
    return str(match.group(1 if match.re.groups else 0) or match.group(0))
