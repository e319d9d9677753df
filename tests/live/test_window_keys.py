from __future__ import annotations

from pathlib import Path

import pytest

from fra_live.live.keys import HOTKEYS, Command, character, command
from fra_live.live.settings import WindowSettings, config_folder, read_settings, write_settings
from fra_live.live.status import StatusLines


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
