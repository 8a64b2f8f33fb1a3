"""Which files are images, by the ending of their names."""

from __future__ import annotations

from typing import Final

TIFF: Final = frozenset({".tif", ".tiff", ".lsm", ".stk", ".svs", ".ndpi"})

PLAIN: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp"})

PLUGIN: Final = frozenset(
    {
        *(".czi", ".lif", ".nd2", ".oib", ".oif", ".ims", ".vsi", ".dv", ".r3d"),
        *(".dm3", ".dm4", ".mrc", ".dcm", ".nrrd", ".nii", ".npy", ".zarr"),
    }
)
"""Formats of microscopy that an installed napari reader may know."""

IMAGES: Final = TIFF | PLAIN | PLUGIN
"""Files that are looked for in folders."""
