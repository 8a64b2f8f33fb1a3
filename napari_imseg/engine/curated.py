"""Curated examples on disk: written in shards, read as memory maps that several processes share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from napari_imseg.method import Example
from napari_imseg.project.atomic import replacing

_DTYPES = {"F16": np.dtype("<f2"), "I16": np.dtype("<i2")}


def write(path: Path, examples: Sequence[Example]) -> None:
    """Write examples to one safetensors file: images as float16, targets as int16."""
    tensors: dict[str, NDArray[Any]] = {}
    for index, example in enumerate(examples):
        tensors[f"{index}/image"] = np.ascontiguousarray(example.image_C_H_W, np.float16)
        tensors[f"{index}/target"] = np.ascontiguousarray(example.target_H_W, np.int16)
    names = json.dumps([example.name for example in examples])
    with replacing(path, durable=False) as scratch:
        save_file(tensors, scratch, {"names": names})


def read(folder: Path) -> list[Example]:
    """The examples of all shards in a folder, in the order of their names; none if it is not there."""
    return [example for path in sorted(folder.glob("*.safetensors")) for example in _shard(path)]


def _shard(path: Path) -> list[Example]:
    """Examples whose arrays stay in the file until a crop of them is wanted."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    names = json.loads(header.pop("__metadata__")["names"])
    if not names:
        return []
    data = np.memmap(path, np.uint8, "r", offset=8 + size)

    def tensor(key: str) -> NDArray[Any]:
        first, last = header[key]["data_offsets"]
        return data[first:last].view(_DTYPES[header[key]["dtype"]]).reshape(header[key]["shape"])

    return [
        Example(tensor(f"{index}/image"), tensor(f"{index}/target"), name) for index, name in enumerate(names)
    ]
