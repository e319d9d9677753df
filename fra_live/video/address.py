"""The one grammar of sources: what a word on the command line means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fra_live.errors import SourceError

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm",
    ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
))
VIDEO_SUFFIXES = frozenset((
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc",
    ".ivf", ".m1v", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg",
    ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv",
))
# fmt: on
STREAM_SCHEMES = ("http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # two letters at least: C:\ is no scheme
_DEVICE = re.compile(r"/dev/video(\d+)")
_HEAD = 20_000_000  # bytes of a GIF that are searched for a second picture
_GIF_PICTURE = re.compile(rb"\x21\xf9\x04.{4}\x00[\x21\x2c]", re.DOTALL)  # begins each picture
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")


class Kind(Enum):
    """The kinds of source."""

    CAMERA = auto()
    URL = auto()
    IMAGE = auto()
    VIDEO = auto()
    IMAGES = auto()


@dataclass(frozen=True)
class Address:
    """What was asked for.

    Attributes:
        kind: see `Kind`.
        name: the address as it may be shown.
        index: of the camera.
        url: with its credentials, for opening only.
        paths: the file, or the images in natural order.
    """

    kind: Kind
    name: str
    index: int = 0
    url: str = ""
    paths: tuple[Path, ...] = ()


def parse_address(spec: str | int | Path) -> Address:
    """Read a source's address.

    Args:
        spec: camera index (2, "2", "/dev/video2"), file, folder or glob of images, or URL.

    Raises:
        SourceError: it is none of them, or there is nothing there.
    """
    if isinstance(spec, int):
        return _camera(spec)
    text = str(spec)
    if isinstance(spec, str):
        text = text.strip()
        if not text:
            raise SourceError("The source is empty: give a camera number, file, folder or URL.")
        if match := _DEVICE.fullmatch(text):
            return _camera(int(match[1]))
        if re.fullmatch(r"-?\d+", text):
            return _camera(int(text))
        if match := _SCHEME.match(text):
            return _url(text, match[1].lower())
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            files = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
            return _images(text, files)
        if is_glob(text) and not path.exists():
            return _images(text, glob_files(text))
    except OSError as error:
        raise SourceError(f"{text:.200} cannot be read: {error.strerror}.") from error
    check_file(path)
    return Address(Kind.IMAGE if is_image(path) else Kind.VIDEO, text, paths=(path,))


def redact(url: str) -> str:
    """A URL without user, password and query, which may hold keys; for logs and the screen."""
    head, found, rest = url.partition("://")
    if not found:
        return url
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        rest = rest[authority.rindex("@") + 1 :]
    elif "@" in rest and not re.fullmatch(r"(\[.*\]|[^:]*)(:\d*)?", authority):
        rest = rest[rest.rindex("@") + 1 :]  # a password with /, ? or # that was not escaped
    return f"{head}://{re.split(r'[?#]', rest, maxsplit=1)[0]}"


def check_file(path: Path) -> None:
    """Refuse what cannot be read as a file.

    Raises:
        SourceError: it is missing, empty, not allowed to be read, or no regular file.
    """
    try:
        if not path.exists():
            raise SourceError(f"{path} does not exist.")
        if not path.is_file():
            raise SourceError(f"{path} is not a file; copy its contents into one.")
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes); copy or record it again.")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: a zero character in the name
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"{path!s:.200} cannot be read: {why}.") from error


def is_image(path: Path) -> bool:
    """Whether a file is a still image: by its first bytes; by its suffix where they don't tell.

    A GIF or PNG with several pictures is a film.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        head = b""
    suffix = path.suffix.lower()
    if head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        # A film of JPEGs starts as a JPEG does.
        return suffix not in (".mjpeg", ".mjpg") and not _moves(path, head)
    if head[4:8] == b"ftyp":
        return head[8:12] in (b"avif", b"avis", b"heic", b"mif1")
    if head.startswith((b"\x1aE\xdf\xa3", b"RIFF", b"FLV", b"OggS", b"\0\0\x01\xba")):
        return False
    # A GIF without its first bytes can be read as a film only.
    return suffix in IMAGE_SUFFIXES and suffix != ".gif"


def _moves(path: Path, head: bytes) -> bool:
    """Whether a GIF or PNG holds more than one picture; no other format is looked into."""
    if not head.startswith((b"GIF8", b"\x89PNG")):
        return False
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
    except OSError:
        return False
    if head.startswith(b"GIF8"):
        return len(_GIF_PICTURE.findall(data)) > 1
    return b"acTL" in data[: max(0, data.find(b"IDAT"))]


def is_glob(text: str) -> bool:
    """Whether a name holds the wildcards *, ? or [...]."""
    return any(c in text for c in "*?[")


def glob_files(pattern: str) -> list[Path]:
    """Files that match a pattern, in natural order; ** goes through folders."""
    import glob

    pattern = str(Path(pattern).expanduser())
    try:
        found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - takes absolute patterns too
    except (OSError, re.error) as error:
        raise SourceError(f"The pattern '{pattern}' cannot be used: {error}.") from error
    return sorted((p for p in map(Path, found) if p.is_file()), key=natural_key)


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts image2 before image10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts)


def _camera(index: int) -> Address:
    if index < 0:
        raise SourceError(f"There is no camera {index}; the first one is 0.")
    return Address(Kind.CAMERA, f"camera {index}", index=index)


def _url(text: str, scheme: str) -> Address:
    if scheme == "file":
        return parse_address(Path(unquote(urlsplit(text).path)))
    if scheme not in STREAM_SCHEMES:
        known = ", ".join(STREAM_SCHEMES)
        raise SourceError(f"{redact(text)}: '{scheme}' is not supported; there are {known}.")
    return Address(Kind.URL, redact(text), url=text)


def _images(text: str, paths: list[Path]) -> Address:
    images = [p for p in paths if p.is_file() and not p.name.startswith(".") and is_image(p)]
    if not images:
        raise SourceError(f"{text} holds no images; videos in it go to 'fra-live process'.")
    return Address(Kind.IMAGES, text, paths=tuple(sorted(images, key=natural_key)))
