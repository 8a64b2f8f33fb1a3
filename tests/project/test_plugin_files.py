"""Formats that an installed napari reader knows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_imseg.project import images
from napari_imseg.project.errors import ProjectError

Answer = Callable[[], list[Any]]


@pytest.fixture
def reader(npe2pm: Any) -> Iterator[Callable[[Answer], None]]:
    """Install a plugin that answers for ``*.fake`` files."""
    with npe2pm.tmp_plugin(name="fake-reader") as plugin:

        def install(answer: Answer) -> None:
            @plugin.contribute.reader(filename_patterns=["*.fake"])
            def get_reader(path: Any) -> Any:
                return lambda _: answer()

        yield install


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    path = tmp_path / "a.fake"
    path.write_text("anything")
    return path


def read(path: Path) -> np.ndarray[Any, Any]:
    return np.stack([images.read(path, unit.plane, unit.tile) for unit in images.read_units(path)])


PIXELS = np.arange(2 * 3 * 40 * 50, dtype=np.uint16).reshape(2, 3, 40, 50)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([(PIXELS[0, 0],)], PIXELS[:1, :1]),
        ([(PIXELS[0], {}, "image")], PIXELS[0][:, None]),  # nobody says what the axis is: planes
        ([(PIXELS[0], {"channel_axis": 0}, "image")], PIXELS[:1]),
        ([(np.moveaxis(PIXELS, 1, -1), {"channel_axis": -1}, "image")], PIXELS),
        ([(np.moveaxis(PIXELS, 1, -1), {"rgb": True}, "image")], PIXELS),
        ([(channel, {"name": "c"}, "image") for channel in np.moveaxis(PIXELS, 1, 0)], PIXELS),
        ([([PIXELS[0, 0], PIXELS[0, 0, ::2, ::2]], {"multiscale": True}, "image")], PIXELS[:1, :1]),
        ([(np.zeros((3, 2)), {}, "points"), (PIXELS[0, 0], {}, "image")], PIXELS[:1, :1]),
    ],
)
def test_layers_of_a_plugin_become_images(
    reader: Callable[[Answer], None], fake: Path, layers: list[Any], expected: np.ndarray[Any, Any]
) -> None:
    reader(lambda: layers)
    assert np.array_equal(read(fake), expected)


def test_a_file_that_no_plugin_reads_gets_a_clear_sentence(npe2pm: Any, fake: Path) -> None:
    with pytest.raises(
        ProjectError, match=r"no installed napari plugin reads .*a\.fake.*install one for \.fake"
    ):
        read(fake)


def test_a_plugin_that_fails_gets_a_clear_sentence(reader: Callable[[Answer], None], fake: Path) -> None:
    def fail() -> list[Any]:
        raise RuntimeError("out of luck")

    reader(fail)
    with pytest.raises(ProjectError, match=r"a\.fake' \(out of luck\)"):
        read(fake)


def test_a_file_without_an_image_is_refused(reader: Callable[[Answer], None], fake: Path) -> None:
    reader(lambda: [(np.zeros((3, 2)), {}, "points")])
    with pytest.raises(ProjectError, match="holds no image"):
        read(fake)
