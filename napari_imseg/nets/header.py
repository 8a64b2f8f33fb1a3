"""The file of an ensemble member: tensors and a description of them, in safetensors. No torch.

Nothing in such a file is ever unpickled or executed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError, safe_open

from napari_imseg.core.problem import Problem

HEADER = "napari-imseg"
"""Key of our entry among the metadata of a safetensors file."""

_MOST_CHANNELS = 4096
_MOST_CLASSES = 65535


class MemberHeader(BaseModel):
    """What a member file says about itself.

    Attributes
    ----------
    kind
        Architecture of a network, or name of the classifier that wrote the file.
    arguments
        What it was built with.
    problem
        Task, channels and classes it was trained for.
    im_class
        True if a network was trained with a class for inconsistent pixels.
    extra
        JSON values of the writer (method, generation, score, ...).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Annotated[int, Field(ge=1, le=1)] = 1
    kind: str
    arguments: dict[str, Any]
    problem: Problem
    im_class: bool = False
    extra: dict[str, Any] = {}

    @field_validator("problem")
    @classmethod
    def _possible(cls, problem: Problem) -> Problem:
        if not (1 <= problem.channels <= _MOST_CHANNELS and 1 <= problem.classes <= _MOST_CLASSES):
            raise ValueError("impossible number of channels or classes")
        return problem


def write_member(
    path: Path,
    header: MemberHeader,
    tensors: Mapping[str, Any],
    save_file: Callable[[dict[str, Any], Path, dict[str, str]], None],
) -> None:
    """Write a member file with ``save_file`` of safetensors; it appears whole or not at all."""
    write_tensors(path, tensors, {HEADER: header.model_dump_json()}, save_file)


def write_tensors(
    path: Path,
    tensors: Mapping[str, Any],
    metadata: dict[str, str],
    save_file: Callable[[dict[str, Any], Path, dict[str, str]], None],
) -> None:
    """Write a safetensors file; it appears whole or not at all.

    Raises
    ------
    ValueError
        The disk is full or the folder cannot be written; an earlier file is unchanged.
    """
    scratch = path.with_name(path.name + ".tmp")
    try:
        save_file(dict(tensors), scratch, metadata)
        os.replace(scratch, path)
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"'{path}' could not be written ({error}); free some space or make the folder writable"
        ) from error
    finally:
        with suppress(OSError):  # a read-only drive refuses even to look for it
            scratch.unlink(missing_ok=True)


def read_header(path: Path) -> MemberHeader:
    """What a member file says about itself; no tensor is read. Errors as in `read_member`."""
    with _opened(path, "np") as file:
        return _header(path, file)


def read_member(path: Path, framework: str) -> tuple[MemberHeader, dict[str, Any]]:
    """Read a member file; the tensors are of ``framework`` (``np`` or ``pt``).

    Raises
    ------
    ValueError
        The file is missing, not one of ours, or damaged; one sentence.
    """
    with _opened(path, framework) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        return _header(path, file), tensors


@contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    """The open safetensors file."""
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except FileNotFoundError:
        raise ValueError(f"the model file {path.name} is missing; train again or restore the file") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path.name} is not a complete safetensors file ({error}); train again or restore the file"
        ) from None


def _header(path: Path, file: Any) -> MemberHeader:
    metadata = file.metadata() or {}
    if HEADER not in metadata:
        raise ValueError(f"{path.name} does not say what model it holds; it was made by another program")
    try:
        return MemberHeader.model_validate_json(metadata[HEADER])
    except ValidationError as error:
        mistake = error.errors()[0]
        where = ".".join(str(part) for part in mistake["loc"]) or "its first line"
        raise ValueError(
            f"the description in {path.name} is not valid at {where} ({mistake['msg'].lower()}); "
            "it is damaged or was made by a newer version"
        ) from None
