"""Reading of every format, and of files that are not what they seem."""

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_imseg.project import images, suffixes
from napari_imseg.project.errors import ProjectError
from napari_imseg.project.scanning import find_images


def random(*shape: int, dtype: Any = np.uint8) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


TIFFS: dict[str, tuple[np.ndarray[Any, Any], dict[str, Any], int, int]] = {
    # name: pixels, how they are written, planes, channels
    "grey": (random(40, 50), {}, 1, 1),
    "16 bit": (random(40, 50, dtype=np.uint16), {}, 1, 1),
    "float": (random(40, 50, dtype=np.float32), {}, 1, 1),
    "signed": (random(40, 50, dtype=np.int16), {}, 1, 1),
    "bool": (random(40, 50) > 100, {}, 1, 1),
    "big endian": (random(40, 50, dtype=np.uint16), {"byteorder": ">"}, 1, 1),
    "bigtiff": (random(40, 50), {"bigtiff": True}, 1, 1),
    "rgb": (random(40, 50, 3), {"photometric": "rgb"}, 1, 3),
    "planar": (random(3, 40, 50), {"photometric": "rgb", "planarconfig": "separate"}, 1, 3),
    "pages": (random(7, 40, 50), {"metadata": None, "photometric": "minisblack"}, 7, 1),
    "zlib pages": (random(7, 40, 50), {"compression": "zlib"}, 7, 1),
    "imagej": (random(2, 5, 3, 40, 50), {"imagej": True, "metadata": {"axes": "TZCYX"}}, 10, 3),
    "ome": (random(2, 4, 40, 50), {"ome": True, "metadata": {"axes": "CZYX"}}, 4, 2),
    "zlib ome": (
        random(2, 4, 40, 50),
        {"ome": True, "metadata": {"axes": "CZYX"}, "compression": "zlib"},
        4,
        2,
    ),
}


@pytest.mark.parametrize("name", TIFFS)
def test_tiffs_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    pixels, how, planes, channels = TIFFS[name]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, **how)
    units = images.read_units(path)
    assert len(units) == planes
    assert [unit.plane for unit in units] == ([None] if planes == 1 else list(range(planes)))
    read = np.stack([images.read(path, unit.plane, unit.tile) for unit in units])
    assert read.shape == (planes, *units[0].shape) == (planes, channels, 40, 50)
    assert read.dtype == pixels.dtype.newbyteorder("=") == np.dtype(units[0].dtype)
    expected = {
        "rgb": lambda: np.moveaxis(pixels, -1, 0),
        "imagej": lambda: pixels.reshape(10, 3, 40, 50),
        "ome": lambda: np.moveaxis(pixels, 1, 0),
        "zlib ome": lambda: np.moveaxis(pixels, 1, 0),
    }.get(name, lambda: pixels)()
    assert np.array_equal(read, expected.reshape(read.shape))


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}, {"compression": "zlib", "tile": (16, 16)}])
def test_tiles_cover_a_plane_and_are_cut_where_they_say(tmp_path: Path, how: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    pixels = random(70, 50)
    tifffile.imwrite(path, pixels, **how)
    covered = np.zeros(pixels.shape, bool)
    units = images.read_units(path, 32)
    for unit in units:
        assert unit.tile is not None
        y, x, height, width = unit.tile
        covered[y : y + height, x : x + width] = True
        assert unit.shape == (1, 32, 32)
        assert np.array_equal(images.read(path, None, unit.tile)[0], pixels[y : y + height, x : x + width])
    assert covered.all()
    assert len(units) == 6


def test_an_image_no_larger_than_a_tile_stays_whole(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", random(40, 50))
    assert images.read_units(tmp_path / "a.tif", 50)[0].tile is None
    assert images.tiles(20, 100, 64) == [(0, 0, 20, 64), (0, 36, 20, 64)]


PICTURES = {
    "L.png": (random(40, 50), 1),
    "RGB.png": (random(40, 50, 3), 3),
    "RGBA.png": (random(40, 50, 4), 3),
    "LA.png": (random(40, 50, 2), 1),
    "I16.png": (random(40, 50, dtype=np.uint16) * 300, 1),
    "RGB.bmp": (random(40, 50, 3), 3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    pixels, channels = PICTURES[name]
    Image.fromarray(pixels).save(tmp_path / name)
    read = images.read(tmp_path / name)
    assert read.dtype == pixels.dtype
    assert np.array_equal(read, np.moveaxis(np.atleast_3d(pixels), -1, 0)[:channels])


@pytest.mark.parametrize("samples", [3, 4])
def test_deep_colour_keeps_its_16_bits(tmp_path: Path, samples: int) -> None:
    pixels = random(40, 50, samples, dtype=np.uint16) * 300
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(pixels))
    assert np.array_equal(images.read(tmp_path / "deep.png"), np.moveaxis(pixels, -1, 0)[:3])


def test_jpeg_palette_and_bilevel_pictures_are_read(tmp_path: Path) -> None:
    grey = Image.fromarray(random(40, 50))
    grey.save(tmp_path / "grey.jpg")
    Image.fromarray(random(40, 50, 3)).save(tmp_path / "rgb.jpeg")
    grey.convert("P").save(tmp_path / "palette.png")
    grey.convert("1").save(tmp_path / "one.png")
    Image.new("CMYK", (50, 40)).save(tmp_path / "cmyk.jpg")
    shapes = {path.name: images.read(path).shape[0] for path in tmp_path.iterdir()}
    assert shapes == {"grey.jpg": 1, "rgb.jpeg": 3, "palette.png": 3, "one.png": 1, "cmyk.jpg": 3}


def test_pixel_sizes_come_from_imagej_and_ome_but_not_from_screens(tmp_path: Path) -> None:
    ome = {"axes": "YX", "PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "ome.ome.tif", random(40, 50), metadata=ome)
    tifffile.imwrite(
        tmp_path / "ij.tif", random(40, 50), imagej=True, resolution=(2, 4), metadata={"unit": "micron"}
    )
    tifffile.imwrite(tmp_path / "plain.tif", random(40, 50), resolution=(72, 72), resolutionunit="INCH")
    sizes = {path.stem: images.contents(path).pixel_size for path in tmp_path.iterdir()}
    assert sizes == {"ome.ome": (0.25, 0.5), "ij": (0.25, 0.5), "plain": None}


def test_a_file_of_an_ome_set_stands_for_itself(tmp_path: Path) -> None:
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    xml = (
        f'<?xml version="1.0"?><OME xmlns="{schema}" UUID="urn:uuid:{{}}">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="50" SizeY="40" '
        'SizeZ="1" SizeC="1" SizeT="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData IFD="0" FirstT="0"><UUID FileName="t0.ome.tif">urn:uuid:0</UUID></TiffData>'
        '<TiffData IFD="0" FirstT="1"><UUID FileName="t1.ome.tif">urn:uuid:1</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    for time in range(2):
        pixels = np.full((40, 50), time, np.uint8)
        tifffile.imwrite(tmp_path / f"t{time}.ome.tif", pixels, description=xml.format(time), metadata=None)
    for time in range(2):
        assert len(images.read_units(tmp_path / f"t{time}.ome.tif")) == 1
        assert images.read(tmp_path / f"t{time}.ome.tif").max() == time


def test_what_is_left_out_of_a_file_is_said(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "two.tif") as tiff:
        tiff.write(random(40, 50))
        tiff.write(random(60, 70))
    assert (
        "2 images of different shape, and only the first (40 x 50)"
        in images.contents(tmp_path / "two.tif").note
    )
    tifffile.imwrite(tmp_path / "whole.tif", random(9, 40, 50), compression="zlib")
    half = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "half.tif").write_bytes(half[: len(half) // 2])
    assert "pages at the end may be missing" in images.contents(tmp_path / "half.tif").note
    assert images.contents(tmp_path / "whole.tif").note == ""


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_damaged_files_get_one_clear_sentence(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cut.tif", random(40, 50))
    tifffile.imwrite(tmp_path / "packed.tif", random(40, 50), compression="zlib")
    Image.fromarray(random(40, 50, 3)).save(tmp_path / "cut.png")
    for name in ("cut.tif", "packed.tif", "cut.png"):
        cut(tmp_path / name, 0.6)
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.tif").write_text("no image")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder.tif").mkdir()
    tifffile.imwrite(tmp_path / "complex.tif", random(40, 50, dtype=np.complex64))
    expected = {
        "cut.tif": "cut off",
        "packed.tif": "cut off",
        "cut.png": "damaged",
        "empty.tif": "empty",
        "empty.png": "empty",
        "text.tif": "not a TIFF",
        "text.png": "not an image",
        "folder.tif": "directory",
        "complex.tif": "complex64",
        "absent.tif": "no such file",
    }
    for name, words in expected.items():
        with pytest.raises(ProjectError, match=words) as caught:
            images.read(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_whatever_gets_past_as_another_error(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random(4, 64, 64), compression="zlib", tile=(32, 32), photometric="minisblack")
    data = bytearray(path.read_bytes())
    for place in rng.integers(4, 400 if seed % 2 else len(data), 10):
        data[place] = rng.integers(256)
    path.write_bytes(data)
    with suppress(ProjectError):  # some damage is to pixels alone
        for unit in images.read_units(path):
            images.read(path, unit.plane, unit.tile)


def test_an_image_that_claims_to_be_huge_is_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (8, 8)).save(tmp_path / "bomb.png")
    head = bytearray((tmp_path / "bomb.png").read_bytes())
    head[16:24] = struct.pack(">II", 20_000, 20_000)
    head[29:33] = struct.pack(">I", zlib.crc32(head[12:29]))
    (tmp_path / "bomb.png").write_bytes(head)
    with pytest.raises(ProjectError, match="more than 89 million pixels"):
        images.read_units(tmp_path / "bomb.png")
    with tifffile.TiffWriter(tmp_path / "bomb.tif") as tiff:
        tiles = (b"" for _ in range(98 * 98))
        tiff.write(tiles, shape=(100_000, 100_000), dtype=np.uint8, tile=(1024, 1024), compression="zlib")
    with pytest.raises(ProjectError, match="too large for one label; cut it into tiles"):
        images.read_units(tmp_path / "bomb.tif")
    units = images.read_units(tmp_path / "bomb.tif", 1024)
    assert len(units) == 98 * 98
    assert images.read(tmp_path / "bomb.tif", None, units[-1].tile).shape == (1, 1024, 1024)


def test_what_is_read_without_a_plugin_is_found_in_a_folder(tmp_path: Path) -> None:
    paths = {tmp_path / f"{suffix[1:]}{suffix.upper()}" for suffix in suffixes.TIFF | suffixes.PLAIN}
    for path in [*paths, tmp_path / "notes.txt"]:
        path.touch()
    assert {path for path, _ in find_images([tmp_path], [], [])} == paths


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_rgb_whose_samples_are_equal_is_read_as_one_channel_where_one_is_wanted(
    tmp_path: Path, suffix: str
) -> None:
    grey, path = random(600, 50), tmp_path / f"a.{suffix}"

    def save(pixels: np.ndarray[Any, Any]) -> None:
        if suffix == "tif":
            tifffile.imwrite(path, pixels, photometric="rgb")
        else:
            Image.fromarray(pixels).save(path)
        os.utime(path, ns=(0, int(pixels.sum())))

    save(np.stack([grey] * 3, -1))
    assert images.is_grey(path)
    assert np.array_equal(images.read(path, channels=1), grey[None])
    assert np.array_equal(images.windows(path, None, 1)((10, 5, 20, 30)), grey[None, 10:30, 5:35])
    assert images.limits(path, None, "percentile", 1) == images.limits(path, None, "percentile")[:1]
    assert images.read(path).shape == (3, 600, 50)
    coloured = np.stack([grey] * 3, -1)
    coloured[599, 49, 2] ^= 1
    save(coloured)
    assert not images.is_grey(path)
