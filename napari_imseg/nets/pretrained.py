"""Encoders that were trained on something else: on ImageNet, or what a file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from errno import EACCES, EDQUOT, ENOSPC, EROFS
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_imseg.nets.efficientnet import STEM, UNUSED
from napari_imseg.nets.names import IMAGENET

NO_PLACE = {ENOSPC, EDQUOT, EACCES, EROFS}
"""Errors of a disk that is full or may not be written."""

_BLOCK = re.compile(r"^(_blocks\.)\d+\.(\d+\.)")
"""MONAI numbers stages and blocks, the files that it fetches the blocks alone."""

_COUNTER = "num_batches_tracked"

_DTYPES = {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64}


def encoder_weights(kind: str, weights: str) -> dict[str, Tensor]:
    """Weights of an encoder by MONAI's names, without the layers that a U-Net does not use.

    Parameters
    ----------
    kind
        One of `napari_imseg.nets.names.ENCODERS`.
    weights
        ``imagenet``, which MONAI fetches once and torch keeps, or a file: the one that MONAI
        fetches, an encoder or a ``FlexibleUNet`` of MONAI, or a network of an earlier run.
        ``.safetensors``, or ``.pth`` that holds tensors and nothing else.

    Raises
    ------
    ValueError
        There is no connection, no such file, or it is damaged, unsafe, or of another network;
        one sentence says which and what to do.
    """
    if weights == IMAGENET:
        return _used(_fetched(kind).state_dict())
    path = Path(weights).expanduser()
    return _fitting(kind, _read(path), path)


def _fetched(kind: str) -> torch.nn.Module:
    """MONAI's encoder with the weights of ImageNet."""
    from monai.networks.nets import EfficientNetBNFeatures

    try:
        encoder: torch.nn.Module = EfficientNetBNFeatures(kind, pretrained=True, progress=False)
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise ValueError(
            f"ImageNet weights could not be fetched ({_reason(error)}); connect once, give a file with "
            "weights=PATH, or start with weights= (none)"
        ) from error
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        folder = torch.hub.get_dir()
        if getattr(error, "errno", None) in NO_PLACE:
            raise ValueError(
                f"the ImageNet weights of {kind} cannot be kept in '{folder}' ({_reason(error)}); free some "
                "space and see that you may write there, or give a file with weights=PATH"
            ) from error
        raise ValueError(
            f"the ImageNet weights of {kind} in '{folder}' cannot be read ({_reason(error)}); "
            "delete them there, and they are fetched again"
        ) from error
    return encoder


def _read(path: Path) -> dict[str, Any]:
    """What a file holds; nothing in it is executed."""
    if not path.is_file():
        raise ValueError(
            f"there is no file of weights '{path}'; give another path, or weights=imagenet, or none"
        )
    if path.suffix not in (".safetensors", ".pth"):
        raise ValueError(f"expected weights in a .safetensors or .pth file, got '{path.name}'")
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Any] = load_file(path)
            return tensors
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"'{path}' cannot be read ({_reason(error)}); get it again") from error
    except UnpicklingError as error:
        raise ValueError(
            f"'{path}' is damaged, or holds more than weights and was not opened: nothing is ever unpickled; "
            "save the state_dict alone, best as .safetensors"
        ) from error
    except Exception as error:  # torch raises many kinds where bytes are missing
        raise ValueError(f"'{path}' is not a complete file of weights alone; get it again") from error
    if not isinstance(found, dict):
        raise ValueError(f"'{path}' holds no weights by name; save the state_dict of the encoder alone")
    return found


def _fitting(kind: str, found: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The weights of an encoder among ``found``; the first convolution may have any number of channels."""
    given = {str(name).rpartition("encoder.")[2]: value for name, value in found.items()}
    weights: dict[str, Tensor] = {}
    for name, expected in _expected(kind).items():
        value = given.get(name, given.get(_BLOCK.sub(r"\1\2", name)))
        if value is None and name.endswith(_COUNTER):
            value = torch.zeros((), dtype=torch.int64)
        shape = tuple(expected.shape)
        if name == STEM and isinstance(value, Tensor) and value.ndim == 4 and value.shape[1] > 0:
            shape = (shape[0], value.shape[1], *shape[2:])
        if not isinstance(value, Tensor) or value.shape != shape:
            came = f"{tuple(value.shape)}" if isinstance(value, Tensor) else "nothing"
            raise ValueError(
                f"the weights in '{path}' are not those of {kind}: expected {shape} at {name}, got {came}; "
                "choose the network that they belong to, or another file"
            )
        if value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in _DTYPES:
            raise ValueError(
                f"the weights in '{path}' are not those of {kind}: expected real numbers at {name}, got "
                f"{value.dtype}, {value.layout}, on {value.device.type}; save them anew"
            )
        if not value.isfinite().all():
            raise ValueError(f"'{path}' is damaged: not all values of {name} are finite; get it again")
        weights[name] = value.to(expected.dtype)
    return weights


def _expected(kind: str) -> dict[str, Tensor]:
    """Names, shapes and types of the weights; no values."""
    from monai.networks.nets import EfficientNetBNFeatures

    with torch.device("meta"):
        return _used(EfficientNetBNFeatures(kind, pretrained=False).state_dict())


def _used(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name.partition(".")[0] not in UNUSED}


def _reason(error: Exception) -> str:
    """What a library said, in one line and without its own full stop."""
    text = str(getattr(error, "reason", "") or error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")[:200]
