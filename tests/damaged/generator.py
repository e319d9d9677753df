"""At least a thousand damaged or odd files, always the same ones for a seed.

Every case is a name and a function that makes the file, so that a share of them costs a share of
the time. What of a file must be readable is either known by how it was made (`least`), or found
by reading it plainly, see `judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tests.damaged.films import FILM_NAMES, PHOTO_NAMES, Film, film, photo
from tests.damaged.odd import odd_cases

CUTS, FLIPS, HOLES = 14, 26, 3  # of every film
PHOTO_CUTS, PHOTO_FLIPS = 10, 18  # of every photo
_LENGTHS = (1, 4, 16, 64)  # bytes that are flipped at a time

Damage = Callable[[np.random.Generator, bytes], bytes]


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        name: of the file; no two cases have the same, whatever their suffix.
        write: writes it to a path.
        least: numbers of the pictures that must be found in it; None: see `judge`.
        large: takes seconds; not for the quick share.
        count: how many pictures must be found, where their numbers cannot be read; None: see
            `least`.
    """

    name: str
    write: Callable[[Path], None]
    least: frozenset[int] | None = None
    large: bool = False
    count: int | None = None


def cases(seed: int = 0) -> list[Case]:
    """All cases; the same seed gives the same bytes."""
    found = [case for name in FILM_NAMES for case in _film_cases(name, seed)]
    found += [case for name in PHOTO_NAMES for case in _photo_cases(name, seed)]
    found += [Case(odd.name, odd.write, odd.least, odd.large, odd.count) for odd in odd_cases()]
    names = [case.name for case in found]
    assert len(set(names)) == len(names)
    return found


def quick_share(every: int, seed: int = 0) -> list[Case]:
    """One of `every` damaged files, and all odd ones that are small."""
    odd = {o.name for o in odd_cases()}
    all_cases = cases(seed)
    damaged = [case for case in all_cases if case.name not in odd]
    return damaged[::every] + [c for c in all_cases if c.name in odd and not c.large]


_film = cache(film)
_photo = cache(photo)


def _film_cases(name: str, seed: int) -> Iterator[Case]:
    def sound() -> Film:
        return _film(name)

    suffix = "." + name.partition("-")[0]
    for number in range(CUTS):
        known = _before_cut if suffix == ".mkv" else None
        yield _case(f"{name}-cut{number}{suffix}", sound, _cut, seed, number, known)
    for number in range(FLIPS):
        flip = _flips(_LENGTHS[number % len(_LENGTHS)])
        yield _case(f"{name}-flip{number}{suffix}", sound, flip, seed, number)
    for number in range(HOLES):
        for damage in (_zeroed, _removed, _repeated, _swapped, _noise):
            label = f"{name}{damage.__name__.replace('_', '-')}{number}{suffix}"
            yield _case(label, sound, damage, seed, number)
    yield _case(f"{name}-junk-before{suffix}", sound, _junk_before, seed, 0)
    yield _case(f"{name}-junk-after{suffix}", sound, _junk_after, seed, 0)
    if name in ("avi", "mkv-ffv1"):
        for number in range(6):
            yield _inside_case(f"{name}-inside{number}{suffix}", sound, seed, number)


def _photo_cases(name: str, seed: int) -> Iterator[Case]:
    def sound() -> Film:
        return _photo(name)

    suffix = "." + name.partition("-")[0]
    for number in range(PHOTO_CUTS):  # which may be refused: half a photo is none
        yield _case(f"photo-{name}-cut{number}{suffix}", sound, _cut, seed, number, _nothing)
    for number in range(PHOTO_FLIPS):
        flip = _flips(_LENGTHS[number % len(_LENGTHS)])
        yield _case(f"photo-{name}-flip{number}{suffix}", sound, flip, seed, number)
    yield _case(f"photo-{name}-zeroed{suffix}", sound, _zeroed, seed, 0)
    yield _case(f"photo-{name}-junk-before{suffix}", sound, _junk_before, seed, 0, _nothing)


def _case(
    name: str,
    sound: Callable[[], Film],
    damage: Damage,
    seed: int,
    number: int,
    least: Callable[[Film, bytes], frozenset[int] | None] | None = None,
) -> Case:
    def data() -> bytes:
        return damage(_random(name, seed, number), sound().data)

    known = least(sound(), data()) if least else None
    return Case(name, lambda path: _put(path, data()), known)


def _inside_case(name: str, sound: Callable[[], Film], seed: int, number: int) -> Case:
    """Some pictures are damaged inside; each stands for itself, so that all others are sound."""
    random = _random(name, seed, number)
    whole = sound()
    assert whole.packets is not None
    hit = set(random.choice(len(whole.packets), 3, replace=False).tolist())
    data = bytearray(whole.data)
    for index in hit:
        first, end = whole.packets[index]
        for place in random.integers(first + (end - first) // 2, end - 40, 6):
            data[place] ^= int(random.integers(1, 256))
    least = frozenset(range(len(whole.packets))) - hit
    return Case(name, lambda path: _put(path, bytes(data)), least)


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _random(name: str, seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number, *name.encode()])


def _before_cut(whole: Film, data: bytes) -> frozenset[int] | None:
    """Pictures that lie before the cut entirely."""
    if whole.packets is None:
        return None
    return frozenset(i for i, (_, end) in enumerate(whole.packets) if end <= len(data))


def _nothing(whole: Film, data: bytes) -> frozenset[int] | None:
    return frozenset()


def _cut(random: np.random.Generator, data: bytes) -> bytes:
    return data[: int(random.integers(1, len(data)))]


def _flips(count: int) -> Damage:
    def flip(random: np.random.Generator, data: bytes) -> bytes:
        changed = np.frombuffer(data, np.uint8).copy()
        changed[random.integers(0, len(data), count)] ^= random.integers(1, 256, count, np.uint8)
        return changed.tobytes()

    return flip


def _hole(random: np.random.Generator, data: bytes) -> tuple[int, int]:
    length = int(random.integers(1, max(2, len(data) // 5)))
    first = int(random.integers(0, len(data) - length + 1))
    return first, first + length


def _zeroed(random: np.random.Generator, data: bytes) -> bytes:
    first, end = _hole(random, data)
    return data[:first] + bytes(end - first) + data[end:]


def _removed(random: np.random.Generator, data: bytes) -> bytes:
    first, end = _hole(random, data)
    return data[:first] + data[end:]


def _repeated(random: np.random.Generator, data: bytes) -> bytes:
    first, end = _hole(random, data)
    return data[:end] + data[first:]


def _swapped(random: np.random.Generator, data: bytes) -> bytes:
    places = sorted(random.integers(0, len(data), 3).tolist())
    a, b, c = places
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _noise(random: np.random.Generator, data: bytes) -> bytes:
    first, end = _hole(random, data)
    return data[:first] + random.bytes(end - first) + data[end:]


def _junk_before(random: np.random.Generator, data: bytes) -> bytes:
    return random.bytes(64) + data


def _junk_after(random: np.random.Generator, data: bytes) -> bytes:
    return data + random.bytes(500)
