"""Still images of every odd kind."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fra_live.errors import SourceError
from fra_live.video.headers import declared_size
from fra_live.video.images import ImageSource, read_image

# 16×16 px of (C, M, Y, K) = (0, 200, 200, 20), as Photoshop writes it.
CMYK_JPEG = (
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBX"
    "QUZMTlJTUjI+WmFaUGBKUVJP/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAGB//EABQQ"
    "AQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A05JJJoQAAAD/2Q=="
)


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    """Green, with a red upper left quarter."""
    image = np.full((height, width, 3), (30, 200, 10), np.uint8)
    image[: height // 2, : width // 2] = (20, 50, 200)
    return image


def saved(path: Path, data: np.ndarray | bytes, suffix: str = "") -> Path:
    if isinstance(data, np.ndarray):
        good, encoded = cv2.imencode(suffix or path.suffix, data)
        assert good
        data = encoded.tobytes()
    path.write_bytes(data)
    return path


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF block with an orientation behind a JPEG's first marker."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm", ".jp2"])
def test_common_formats(tmp_path: Path, suffix: str) -> None:
    image = read_image(saved(tmp_path / f"a{suffix}", picture()))
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.abs(image[30, 40].astype(int) - (30, 200, 10)).max() < 8
    assert np.abs(image[5, 5].astype(int) - (20, 50, 200)).max() < 8


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.png", np.full((20, 30), 77, np.uint8)))
    assert image.shape == (20, 30, 3)
    assert (image == 77).all()


def test_16_bit_is_scaled(tmp_path: Path) -> None:
    deep = np.full((20, 30, 3), 0x8000, np.uint16)
    deep[0, 0] = 0xFFFF
    image = read_image(saved(tmp_path / "a.png", deep))
    assert image[10, 10].tolist() == [128, 128, 128]
    assert image[0, 0].tolist() == [255, 255, 255]


def test_floats_are_scaled(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.tiff", np.full((20, 30, 3), 0.5, np.float32)))
    assert abs(int(image[10, 10, 0]) - 127) <= 1


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_transparency_becomes_white(tmp_path: Path, suffix: str) -> None:
    rgba = np.dstack([picture(), np.full((40, 60), 255, np.uint8)])
    rgba[30:, :, 3] = 0
    rgba[20:30, :, 3] = 128
    image = read_image(saved(tmp_path / f"a{suffix}", rgba)).astype(int)
    assert np.abs(image[5, 50] - (30, 200, 10)).max() < 8  # opaque: as it is
    assert np.abs(image[35, 50] - (255, 255, 255)).max() < 8  # transparent: the page
    assert np.abs(image[25, 50] - (142, 227, 132)).max() < 8  # half of both


def test_16_bit_transparency(tmp_path: Path) -> None:
    rgba = np.full((20, 30, 4), 0x4000, np.uint16)
    rgba[..., 3] = 0
    assert (read_image(saved(tmp_path / "a.png", rgba)) == 255).all()


def test_cmyk(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "a.jpg", base64.b64decode(CMYK_JPEG)))
    assert image.shape == (16, 16, 3)
    assert np.abs(image[8, 8].astype(int) - (51, 51, 235)).max() < 6  # red


@pytest.mark.parametrize(
    ("orientation", "shape", "red_at"),  # red_at: (y, x) as shares of the upright picture
    [(1, (40, 60), (0, 0)), (3, (40, 60), (1, 1)), (6, (60, 40), (0, 1)), (8, (60, 40), (1, 0))],
)
def test_exif_orientation(
    tmp_path: Path, orientation: int, shape: tuple[int, int], red_at: tuple[int, int]
) -> None:
    jpeg = cv2.imencode(".jpg", picture())[1].tobytes()
    image = read_image(saved(tmp_path / "a.jpg", with_orientation(jpeg, orientation)))
    assert image.shape[:2] == shape
    y, x = (5 + red_at[0] * (shape[0] - 11), 5 + red_at[1] * (shape[1] - 11))
    assert int(image[y, x, 2]) > 150 > int(image[y, x, 1])


@pytest.mark.parametrize(("name", "codec", "pixels"), [
    ("a.gif", "gif", "rgb8"),
    ("a.png", "apng", "rgb24"),
])  # fmt: skip
def test_animations_give_their_first_picture(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    path = tmp_path / name
    with av.open(str(path), "w", format=codec) as container:
        stream = container.add_stream(codec, rate=5, width=60, height=40)
        stream.pix_fmt = pixels
        for level in (200, 100, 0):
            image = np.full((40, 60, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(stream.encode(None))
    image = read_image(path)
    assert image.shape == (40, 60, 3)
    assert abs(int(image[20, 30, 1]) - 200) < 30


def test_one_pixel(tmp_path: Path) -> None:
    assert read_image(saved(tmp_path / "a.png", picture(1, 1))).shape == (1, 1, 3)


def png_header(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(data))
        + b"IDAT"
        + data
    )


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (70_000, 10), (2**31, 2**31)])
def test_huge_images_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    path = saved(tmp_path / "bomb.png", png_header(width, height))
    with pytest.raises(SourceError, match=r"bomb\.png has .* px; at most 100 million px"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
def test_cut_images_are_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (80, 80, 3), np.uint8)
    data = cv2.imencode(suffix, noise)[1].tobytes()
    for share in (0.05, 0.5, 0.9):
        path = saved(tmp_path / f"cut{suffix}", data[: int(len(data) * share)])
        with pytest.raises(SourceError, match=r"^.*cut\.\w+ cannot be read, it is [^.]*\.$"):
            read_image(path)


def test_text_named_jpg(tmp_path: Path) -> None:
    path = saved(tmp_path / "note.jpg", b"Dear all, please find attached")
    with pytest.raises(SourceError, match=r"note\.jpg cannot be read, it is no image; open it"):
        read_image(path)


def test_damaged_images_raise_nothing_else(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for suffix in (".png", ".jpg", ".webp", ".tiff", ".bmp", ".gif", ".ppm", ".jp2"):
        whole = np.frombuffer(cv2.imencode(suffix, picture())[1].tobytes(), np.uint8)
        for _ in range(15):
            data = whole.copy()
            places = random.integers(0, len(data), 8)
            data[places] ^= random.integers(1, 255, 8, np.uint8)
            path = saved(tmp_path / f"bad{suffix}", data.tobytes())
            try:
                image = read_image(path)
            except SourceError as error:
                assert str(error).count(str(path)) == 1
            else:
                assert image.ndim == 3


@pytest.mark.parametrize(
    "suffix", [".jpg", ".png", ".bmp", ".webp", ".tiff", ".gif", ".avif", ".jp2", ".ppm", ".pgm"]
)
def test_declared_sizes(suffix: str) -> None:
    image = picture(44, 62)[..., 0] if suffix == ".pgm" else picture(44, 62)
    good, data = cv2.imencode(suffix, image)
    assert good
    assert declared_size(data.tobytes()) == (44, 62)


def test_declared_size_of_lossless_webp_and_of_nothing() -> None:
    data = cv2.imencode(".webp", picture(44, 62), [cv2.IMWRITE_WEBP_QUALITY, 101])[1]
    assert declared_size(data.tobytes()) == (44, 62)
    for broken in (b"", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0", b"hello world" * 9):
        assert declared_size(broken) is None


def test_one_image_as_a_source(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", picture())
    with ImageSource("a", [path]) as source:
        frames = list(source)
        assert (source.size, source.count, source.path, source.live) == ((40, 60), 1, path, False)
    assert [(f.timestamp_s, f.index) for f in frames] == [(0.0, 0)]


def test_many_images_pass_over_bad_ones(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{i}.png", picture()) for i in range(3)]
    paths.insert(1, saved(tmp_path / "x.png", b"nonsense"))
    source = ImageSource("folder", paths)
    assert [(f.timestamp_s, f.index) for f in source] == [(0.0, 0), (2.0, 2), (3.0, 3)]
    assert source.problem is not None
    assert "x.png" in source.problem


def test_nothing_but_bad_images(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{i}.png", b"nonsense") for i in range(2)]
    with pytest.raises(SourceError, match="None of the 2 images can be read"):
        list(ImageSource("folder", paths))
