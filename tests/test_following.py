"""Films: guessed windows give what the method gives, and wrong guesses are made good."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import fra_live
from fra_live.errors import EngineError
from fra_live.following import FollowingSegmenter, stands_for
from fra_live.recognizer import Recognizer
from fra_live.runtime.engine import Engine
from fra_live.stages.windows import Window
from tests.tiny import scene


@pytest.fixture
def following(tiny_model: Path) -> Recognizer:
    return fra_live.load(tiny_model, precision="f32", threads=2, follow=True)


@pytest.fixture(scope="module")
def plain(tiny_model: Path) -> Recognizer:
    return fra_live.load(tiny_model, precision="f32", threads=1)


@pytest.mark.parametrize(
    ("guess", "same"),
    [
        (Window(100, 100, 50), True),
        (Window(104, 96, 50), True),
        (Window(106, 100, 50), False),  # an eighth of its side away
        (Window(100, 100, 58), True),
        (Window(100, 100, 65), False),
        (Window(100, 100, 40), False),
    ],
)
def test_which_guesses_stand(guess: Window, same: bool) -> None:
    assert stands_for(guess, Window(100, 100, 50)) is same


def test_only_with_two_threads(tiny_model: Path, following: Recognizer) -> None:
    assert isinstance(following.segment, FollowingSegmenter)
    alone = fra_live.load(tiny_model, threads=1, follow=True)
    assert not isinstance(alone.segment, FollowingSegmenter)


def test_a_still_film_gives_the_same(following: Recognizer, plain: Recognizer) -> None:
    image = scene("drinking", (96, 128), 3)[0]
    wanted = plain.segment(image)
    for _ in range(3):
        got = following.segment(image)
        assert got.windows == wanted.windows
        np.testing.assert_allclose(got.fine, wanted.fine, atol=1e-4)
        np.testing.assert_allclose(got.coarse, wanted.coarse, atol=1e-4)
        np.testing.assert_allclose(got.window_logits, wanted.window_logits, atol=1e-3)


def test_cuts_and_other_sizes_are_made_good(following: Recognizer, plain: Recognizer) -> None:
    """Every frame shows something else somewhere else: no guess may stand for it."""
    film = [scene(a, s, i)[0] for i, (a, s) in enumerate(
        [("drinking", (96, 128)), ("phoning", (96, 128)), ("none", (96, 128)),
         ("phoning", (120, 90)), ("drinking", (96, 128))])]  # fmt: skip
    for image in film:
        got, wanted = following.segment(image), plain.segment(image)
        assert len(got.windows) == len(wanted.windows)
        for mine, its in zip(got.windows, wanted.windows, strict=True):
            assert stands_for(mine, its)
        np.testing.assert_allclose(got.coarse, wanted.coarse, atol=1e-4)


def test_an_engine_that_fails_fails_the_frame(following: Recognizer) -> None:
    image = scene("drinking", (96, 128), 3)[0]
    following(image)
    fine = following.segment.fine

    def broken(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise fra_live.FraLiveError("broken")

    following.segment.fine = broken
    with pytest.raises(fra_live.FraLiveError, match="broken"):
        following(image)
    following.segment.fine = fine
    assert following(image).frame == (96, 128)


def test_its_thread_ends_with_it(tiny_model: Path) -> None:
    before = set(threading.enumerate())

    def own() -> int:
        new = set(threading.enumerate()) - before
        return sum(thread.name.startswith("coarse") for thread in new)

    image = scene("drinking", (96, 128), 3)[0]
    with fra_live.load(tiny_model, precision="f32", threads=2, follow=True) as recognizer:
        assert own() == 0  # none before it is needed
        first = recognizer(image)
        recognizer(image)
        assert own() == 1
    assert own() == 0
    recognizer.close()
    again = recognizer(image)  # it may still be used
    assert again.actions == pytest.approx(first.actions, abs=1e-4)
    recognizer(image)
    assert own() == 1
    recognizer.close()
    assert own() == 0


class Broken:
    """A network whose backend fails from the third frame on."""

    def __init__(self, network: Engine) -> None:
        self._network, self._left = network, 2

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("device lost\n  at 0x7f")
        return self._network(images)


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(("which", "name"), [("coarse", "Net_coarse"), ("fine", "Net_fine")])
def test_an_engine_that_fails_in_mid_run_is_named(
    tiny_model: Path, follow: bool, which: str, name: str
) -> None:
    with fra_live.load(tiny_model, precision="f32", threads=2, follow=follow) as recognizer:
        sound = getattr(recognizer.segment, which)
        setattr(recognizer.segment, which, Broken(sound))
        image = scene("drinking", (96, 128), 3)[0]
        for _ in range(2):
            recognizer(image)
        said = rf"^The engine openvino failed in {name} at \(.*\): device lost at 0x7f; load .*\.$"
        for _ in range(2):
            with pytest.raises(EngineError, match=said):
                recognizer(image)
        setattr(recognizer.segment, which, sound)
        assert recognizer(image).candidates  # the next frame is tried as if nothing had happened
