"""Folders that other machines share."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_imseg.project import network_drives
from napari_imseg.project.network_drives import on_network
from napari_imseg.project.project import Project

from .conftest import square


@pytest.mark.parametrize(
    ("system", "shared"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("smbfs", True),
        ("fuse.sshfs", True),
        ("ext4", False),
        ("apfs", False),
        ("NTFS", False),
    ],
)
def test_the_nearest_mount_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, shared: bool
) -> None:
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="nfs" if not shared else "ext4", opts="rw"),
        SimpleNamespace(mountpoint=str(tmp_path), fstype=system, opts="rw"),
        SimpleNamespace(mountpoint=str(tmp_path / "other"), fstype="nfs", opts="rw"),
    ]
    monkeypatch.setattr(network_drives.psutil, "disk_partitions", lambda all: mounts)
    assert on_network(tmp_path / "project") == shared


def test_a_project_on_a_network_drive_works_without_shared_memory(
    make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_imseg.project.database.on_network", lambda _: True)
    project = make()
    image = project.catalog.images()[0].id
    project.write_label(image, square())
    assert not list(project.folder.glob("catalog.sqlite-*"))
    assert project.catalog.image(image).state == "labeled"
