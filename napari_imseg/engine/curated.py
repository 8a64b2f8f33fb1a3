"""Curated examples on disk: written in shards, read as memory maps that several processes share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from napari_imseg.core.problem import UNLABELED
from napari_imseg.method import Example
from napari_imseg.project.atomic import replacing

_DTYPES = {"F16": np.dtype("<f2"), "I16": np.dtype("<i2")}

_UNLABELED_1_1 = np.full((1, 1), UNLABELED, np.int16)


def write(path: Path, examples: Sequence[Example]) -> None:
    """Write examples to one safetensors file: images as float16, targets as int16."""
    targets = {
        f"{index}/target": np.ascontiguousarray(example.target_H_W, np.int16)
        for index, example in enumerate(examples)
    }
    names, pseudo = [example.name for example in examples], [example.pseudo for example in examples]
    _write(path, [example.image_C_H_W for example in examples], names, targets, pseudo)


def write_images(path: Path, images: Sequence[NDArray[np.float32]], names: Sequence[str]) -> None:
    """Write images (C, H, W) alone; `read` gives them targets without a labeled pixel."""
    _write(path, images, names, {}, [False] * len(names))


def _write(
    path: Path,
    images: Sequence[NDArray[Any]],
    names: Sequence[str],
    targets: dict[str, NDArray[np.int16]],
    pseudo: Sequence[bool],
) -> None:
    stored = {f"{index}/image": np.ascontiguousarray(image, np.float16) for index, image in enumerate(images)}
    with replacing(path, durable=False) as scratch:
        # one entry, for those of a file come in any order, and the same shard must be the same bytes
        about = json.dumps({"names": list(names), "pseudo": list(pseudo)})
        save_file(stored | targets, scratch, {"examples": about})


def read(folder: Path) -> list[Example]:
    """The examples of all shards in a folder, in the order of their names; none if it is not there."""
    return [example for path in sorted(folder.glob("*.safetensors")) for example in _shard(path)]


def _shard(path: Path) -> list[Example]:
    """Examples whose arrays stay in the file until a crop of them is wanted."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    about = header.pop("__metadata__")
    # shards of earlier versions have nothing but names, and go on as they began
    about = json.loads(about["examples"]) if "examples" in about else {"names": json.loads(about["names"])}
    names = about["names"]
    if not names:
        return []
    data = np.memmap(path, np.uint8, "r", offset=8 + size)

    def tensor(key: str) -> NDArray[Any]:
        first, last = header[key]["data_offsets"]
        return data[first:last].view(_DTYPES[header[key]["dtype"]]).reshape(header[key]["shape"])

    def example(index: int, name: str, pseudo: bool) -> Example:
        image = tensor(f"{index}/image")
        if f"{index}/target" in header:
            return Example(image, tensor(f"{index}/target"), name, pseudo=pseudo)
        return Example(image, np.broadcast_to(_UNLABELED_1_1, image.shape[1:]), name)

    kinds = about.get("pseudo", [False] * len(names))
    return [example(index, *each) for index, each in enumerate(zip(names, kinds, strict=True))]
