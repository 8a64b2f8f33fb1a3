"""The networks that a student can be, by name; without torch, for settings and forms."""

from __future__ import annotations

from typing import Final, Literal, get_args

NetworkName = Literal[
    "unet-1x1",
    "efficientnet-b0",
    "efficientnet-b1",
    "efficientnet-b2",
    "efficientnet-b3",
    "efficientnet-b4",
    "efficientnet-b5",
    "efficientnet-b6",
    "efficientnet-b7",
]

NETWORKS: Final[tuple[NetworkName, ...]] = get_args(NetworkName)
"""All of them, the fastest first."""

UNET_1X1: Final[NetworkName] = "unet-1x1"

ENCODERS: Final = tuple(name for name in NETWORKS if name != UNET_1X1)
"""U-Nets with an EfficientNet as encoder."""

IMAGENET: Final = "imagenet"
"""What stands in place of a file of weights for those of ImageNet."""
