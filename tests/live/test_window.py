from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fra_live.errors import FraLiveError, SinkError, SourceError
from fra_live.live import screen
from fra_live.live.background import Background
from fra_live.live.card import draw_card
from fra_live.live.keys import HOTKEYS, Command, character, command
from fra_live.live.mirror import mirror_image, mirror_result
from fra_live.live.recorder import Recorder, free_name
from fra_live.live.settings import WindowSettings, config_folder, read_settings, write_settings
from fra_live.live.status import StatusLines
from fra_live.live.window import WindowOptions, run_window
from fra_live.results import Event
from tests.live.loop_parts import SlowRecognizer, make_result, write_clip

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=45, size=(240, 320))


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (ord("q"), Command.QUIT),
        (ord("Q"), Command.QUIT),
        (27, Command.QUIT),
        (ord(" "), Command.PAUSE),
        (0x100000 | ord("r"), Command.RECORD),  # NumLock is on
        (0x10000 | ord("+"), Command.THRESHOLD_UP),  # Shift
        (ord("="), Command.THRESHOLD_UP),
        (0xFFAB, Command.THRESHOLD_UP),  # on the number pad
        (0xFFB3, Command.VIEW),
        (ord("z"), None),
        (0xFF51, None),  # left arrow: its low byte is a Q
        (0xFF53, None),  # right arrow: its low byte is an S
        (0xFFBE, None),  # F1
        (-1, None),
    ],
)
def test_what_a_key_means(code: int, wanted: Command | None) -> None:
    assert command(code)[0] is wanted


def test_the_number_pad_gives_digits() -> None:
    assert [character(0xFFB0 + i) for i in range(1, 6)] == list("12345")


def test_the_help_lists_every_command_once() -> None:
    assert [h.command for h in HOTKEYS] == sorted(Command, key=[h.command for h in HOTKEYS].index)
    characters = "".join(h.characters for h in HOTKEYS)
    assert len(set(characters)) == len(characters)
    status = StatusLines()
    assert status.lines(["Paused"]) == ("Paused",)
    status.help = True
    assert len(status.lines([])) == len(HOTKEYS)
    assert "q, Esc\tquit" in status.lines([])


def test_notes_pass_and_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("fra_live.live.status.time.monotonic", lambda: now[0])
    status = StatusLines()
    for text in ("a", "b", "b", "c", "d"):
        status.note(text)
    assert status.lines([]) == ("b", "c", "d")
    now[0] += 6
    assert status.lines([]) == ()


# -- what is remembered --------------------------------------------------------------------------


def test_settings_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert config_folder() == tmp_path / "config" / "fra-live"
    assert read_settings() == WindowSettings()
    write_settings(WindowSettings((800, 600), True))
    assert read_settings() == WindowSettings((800, 600), True)
    assert [p.name for p in config_folder().iterdir()] == ["window.json"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"size": 3}', '{"size": [1e9, 100]}', '{"size": ["a", "b"]}',
        '{"size": [true, null]}', '{"size": [NaN, 600]}', '{"size": [800]}', "[" * 9000,
        '{"size": [800.5, 600]}', '{"full_screen": "yes"}', "\x00" * 20_000,
    ],
)  # fmt: skip
def test_damaged_settings_are_no_settings(text: str, tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    path.write_text(text)
    assert read_settings(path) == WindowSettings()


def test_settings_that_cannot_be_written_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_settings(WindowSettings((800, 600)), tmp_path / "file" / "window.json")


# -- mirror, recorder, card ----------------------------------------------------------------------


def test_a_result_in_the_mirror() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    result = make_result(image)
    mirrored = mirror_result(result)
    assert result.candidates[0].box_xyxy == (60, 45, 80, 60)
    assert mirrored.candidates[0].box_xyxy == (120, 45, 140, 60)
    np.testing.assert_allclose(
        mirrored.candidates[0].outline[0], [(140, 45), (120, 45), (120, 60), (140, 60)]
    )
    assert mirrored.people[0].face.box_xyxy == pytest.approx((120, 20, 160, 50))
    again = mirror_result(mirrored)
    assert again.candidates[0].box_xyxy == result.candidates[0].box_xyxy
    image[:, :50] = 255
    assert mirror_image(image)[:, 150:].min() == 255


def decode(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def test_a_recording_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    recorder = Recorder(path, (48, 64), Fraction(30))
    pictures = [np.full((48, 64, 3), 8 * i, np.uint8) for i in range(10)]
    for i, picture in enumerate(pictures):
        if i == 5:
            recorder.cut()  # ten minutes' pause leave no gap
        recorder.write(lambda p=picture: p, 100 + i / 30 + (600 if i >= 5 else 0))
        time.sleep(0.005)
    assert not path.exists()
    assert recorder.close() == path
    frames = decode(path)
    assert len(frames) + recorder.left_out == 10
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(9 / 30, abs=0.02)


def test_a_recorder_leaves_frames_out_rather_than_wait(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "clip.mp4", (48, 64), Fraction(30))
    held = threading.Event()
    picture = np.zeros((48, 64, 3), np.uint8)

    def draw() -> np.ndarray:
        held.wait()
        return picture

    start = time.perf_counter()
    for i in range(40):
        recorder.write(draw, i / 30)
    assert time.perf_counter() - start < 1
    assert recorder.left_out >= 20
    held.set()
    frames = decode(recorder.close())
    assert len(frames) == 40 - recorder.left_out


def test_a_recording_that_breaks_off_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    recorder = Recorder(path, (48, 64), Fraction(30))
    for i in range(3):
        recorder.write(lambda: np.zeros((48, 64, 3), np.uint8), i / 30)

    def broken() -> np.ndarray:
        raise SinkError("The disk is full.")

    recorder.write(broken, 0.1)
    with pytest.raises(SinkError, match="disk is full"):
        recorder.close()
    assert len(decode(path)) == 3


def test_names_are_not_used_twice(tmp_path: Path) -> None:
    first = free_name(tmp_path, ".png")
    first.touch()
    assert free_name(tmp_path, ".png") != first


def test_a_card_shows_its_sentences_in_any_size() -> None:
    for size in ((480, 640), (120, 160), (90, 1000)):
        card = draw_card("fra-live", ["Opening the source …", "word " * 60], size)
        assert card.shape == (*size, 3)
        assert card.max() > 150


def test_background_work_that_nobody_wants_is_discarded() -> None:
    released, discarded = threading.Event(), threading.Event()
    work = Background(lambda: released.wait(5), lambda result: discarded.set())
    assert not work.done()
    work.abandon()
    released.set()
    assert discarded.wait(5)


# -- without a window ----------------------------------------------------------------------------


def run_text(
    source: Path | str | int, tmp_path: Path, **options: object
) -> tuple[list[Event], list[str], SlowRecognizer]:
    events: list[Event] = []
    said: list[str] = []
    recognizer = SlowRecognizer(drinking=(0.3, 1e9))
    settings = WindowOptions(window=False, events=tmp_path / "events.jsonl", folder=tmp_path)
    settings = replace(settings, **options)  # type: ignore[arg-type]
    assert run_window(source, lambda: recognizer, settings, say=said.append,
                      tell_event=events.append) == 0  # fmt: skip
    return events, said, recognizer


def test_without_a_window_events_are_told_and_written(clip: Path, tmp_path: Path) -> None:
    events, said, recognizer = run_text(clip, tmp_path, record=True, threshold=0.6)
    assert recognizer.calls == 45 and recognizer.threshold == 0.6  # every frame of a file
    assert [e.action for e in events] == ["drinking"]
    assert events[0].end_s == pytest.approx(44 / 30, abs=0.01)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["drinking"]
    assert said[-1].startswith("45 frames shown, 0 passed over;") and "1 event." in said[-1]
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) > 5


def test_still_images_have_events_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((48, 64, 3), np.uint8))
    events, _, _ = run_text(folder, tmp_path)
    assert [(e.action, e.start_s, e.end_s) for e in events] == [("drinking", 1.0, 1.0)]


@pytest.mark.parametrize(
    ("source", "told"),
    [("missing.mp4", "does not exist"), ("37", r"Camera 37 .*'fra-live demo' needs no camera")],
)
def test_a_source_that_is_not_there_is_told_at_once(source: str, told: str, tmp_path: Path) -> None:
    def load() -> SlowRecognizer:
        time.sleep(30)  # nobody waits for the networks then
        return SlowRecognizer()

    start = time.perf_counter()
    with pytest.raises(SourceError, match=told):
        run_window(source, load, WindowOptions(window=False))
    assert time.perf_counter() - start < 10


def test_a_model_that_is_not_there_is_told(clip: Path) -> None:
    def load() -> SlowRecognizer:
        raise FraLiveError("There is no model.")

    with pytest.raises(FraLiveError, match="There is no model"):
        run_window(clip, load, WindowOptions(window=False))


class Program:
    """window_program.py as a process, followed by what it prints."""

    def __init__(self, *arguments: str | Path, display: str = "", home: Path) -> None:
        environment = {**os.environ, "DISPLAY": display, "XDG_CONFIG_HOME": str(home),
                       "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.window_program", *map(str, arguments)],
            cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip() for line in self.process.stdout)

    def wait_for(self, what: Callable[[], bool], timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < deadline, "\n".join(self.lines)
            assert self.process.poll() is None or what(), "\n".join(self.lines)
            time.sleep(0.05)

    def frames(self) -> int:
        return sum(line.startswith("frame") for line in self.lines)

    def wait_for_frames(self, count: int = 5) -> None:
        self.wait_for(lambda: self.frames() >= count)

    def end(self) -> int:
        status = self.process.wait(60)
        self._reader.join(10)
        return status


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def make(*arguments: str | Path, display: str = "") -> Program:
        programs.append(Program(*arguments, display=display, home=tmp_path / "config"))
        return programs[-1]

    yield make
    for program in programs:
        program.process.kill()
        program.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_all_files(
    number: signal.Signals, clip: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    program = start(clip, tmp_path, "text", "repeat", "record")
    program.wait_for_frames(40)
    program.process.send_signal(number)
    assert program.end() == 0, program.lines
    assert not [line for line in program.lines if "Traceback" in line]
    assert [json.loads(s)["action"] for s in (tmp_path / "events.jsonl").read_text().splitlines()]
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) > 2


def test_an_engine_that_hangs_does_not_hang_the_program(
    clip: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    program = start(clip, tmp_path, "text", "hang")
    assert program.end() == 1
    assert "error The engine has not answered for" in program.lines[-1]


# -- whether there can be a window ---------------------------------------------------------------


def test_headless_opencv_is_told_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen.cv2, "currentUIFramework", lambda: "")
    with pytest.raises(SinkError, match=r"pip install --force-reinstall --no-deps opencv-python"):
        run_window("0", SlowRecognizer)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X displays are Linux's")
@pytest.mark.parametrize(
    ("display", "told"),
    [("", "DISPLAY is not set"), (":7654", "':7654' .* does not answer")],
)
def test_a_missing_display_is_told(
    display: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen.cv2, "currentUIFramework", lambda: "QT5")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(SinkError, match=told):
        run_window("0", SlowRecognizer)


# -- a real window -------------------------------------------------------------------------------


def grab(display: str) -> np.ndarray:
    """The screen of an X display: (H, W, 3) uint8 BGR."""
    options = {"video_size": "1280x800", "draw_mouse": "0"}
    with av.open(display, format="x11grab", options=options) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


class Window:
    """The window of a running program."""

    def __init__(self, program: Program, display: str) -> None:
        self.program, self.display = program, display

    def do(self, *arguments: str) -> str:
        environment = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *arguments], env=environment, capture_output=True, text=True
        )
        return done.stdout.strip()

    @property
    def number(self) -> str:
        return (self.do("search", "--name", "^fra-live$").split() or [""])[-1]

    def press(self, key: str) -> None:
        self.do("key", "--window", self.number, key)


@pytest.fixture
def window(
    clip: Path, tmp_path: Path, x_display: str, start: Callable[..., Program]
) -> Iterator[Window]:
    if not screen._framework():
        pytest.skip("this OpenCV is headless: install opencv-python over it")
    if not shutil.which("xdotool"):
        pytest.skip("there is no xdotool: apt-get install xdotool")
    program = start(clip, tmp_path, "repeat", display=x_display)
    program.wait_for_frames()
    shown = Window(program, x_display)
    program.wait_for(lambda: bool(shown.number))
    yield shown


@pytest.mark.window
def test_the_picture_is_on_the_screen_and_q_quits(window: Window, tmp_path: Path) -> None:
    # 427 x 320 px of the clip, which grows brighter, and white type on it
    window.program.wait_for(lambda: (grab(window.display).max(axis=2) > 60).mean() > 0.09)
    assert grab(window.display).max() > 200
    window.press("q")
    assert window.program.end() == 0
    assert "frames shown" in window.program.lines[-1]
    assert (tmp_path / "events.jsonl").exists()


@pytest.mark.window
def test_pause_step_snapshot_and_recording(window: Window, tmp_path: Path) -> None:
    program = window.program
    window.press("r")
    program.wait_for(lambda: bool(list(tmp_path.glob(".fra-live-*.mp4"))))
    program.wait_for_frames(program.frames() + 10)
    window.press("space")
    settled = [-1]

    def still() -> bool:
        before, settled[0] = settled[0], program.frames()
        time.sleep(0.5)
        return before == settled[0]

    program.wait_for(still)
    paused_at = program.frames()
    window.press("period")
    program.wait_for_frames(paused_at + 1)
    time.sleep(0.3)
    assert program.frames() == paused_at + 1
    window.press("s")
    program.wait_for(lambda: bool(list(tmp_path.glob("fra-live-*.png"))))
    window.press("r")
    program.wait_for(lambda: bool(list(tmp_path.glob("fra-live-*.mp4"))))
    window.press("h")
    window.press("q")
    assert program.end() == 0
    [picture] = tmp_path.glob("fra-live-*.png")
    assert cv2.imread(str(picture)).shape == (240, 320, 3)
    [recording] = tmp_path.glob("fra-live-*.mp4")
    assert len(decode(recording)) >= 5


@pytest.mark.window
def test_the_window_size_is_remembered(window: Window, tmp_path: Path) -> None:
    program = window.program
    window.do("windowsize", window.number, "720", "540")
    program.wait_for_frames(program.frames() + 10)
    window.press("q")
    assert program.end() == 0
    saved = json.loads((tmp_path / "config" / "fra-live" / "window.json").read_text())
    assert saved["size"] == [720, 540]
