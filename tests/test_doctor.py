"""`fra-live doctor`, run for real on this machine."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path

import pytest

from fra_live import cli
from fra_live.doctor import examine
from fra_live.installation import extra_command, package_version, pip_command, try_code


def test_it_reports_this_machine_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["doctor", "--json", "-"])
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    findings = {(f["group"], f["name"]): f for f in report["findings"]}
    broken = [f for f in report["findings"] if f["state"] == "broken"]
    assert report["ready"] == (not broken)
    assert status == (1 if broken else 0)
    assert findings["python", "numpy"]["detail"] == package_version("numpy")
    assert findings["python", "Python"]["state"] == "ok"
    assert "CPU" in findings["cpu", "OpenVINO devices"]["detail"]
    assert findings["video", "writing H.264"]["state"] == "ok"
    groups = [f["group"] for f in report["findings"]]
    assert {"python", "cpu", "model", "video", "window", "camera", "gpu", "extras"} == set(groups)
    assert groups == sorted(groups, key=groups.index)  # each group's findings stand together
    for finding in report["findings"]:
        assert finding["state"] in ("ok", "missing", "broken")
        assert finding["detail"]
        if finding["fix"]:
            assert finding["state"] != "ok" and "\n" not in finding["fix"]


def test_a_missing_model_must_be_put_right() -> None:
    findings = [f for f in examine("no-such-model") if f.group == "model"]
    assert [f.state for f in findings] == ["broken"]
    assert "no-such-model" in findings[0].detail


@pytest.mark.parametrize(
    ("code", "works", "said"),
    [
        ("print('one'); print('two')", True, "two"),
        ("import sys; sys.exit('camera is busy')", False, "camera is busy"),
        ("raise ValueError('no')", False, "ValueError: no"),
        ("import sys; sys.exit(3)", False, "exit status 3"),
    ],
)
def test_code_is_tried_in_a_child(code: str, works: bool, said: str) -> None:
    assert try_code(code, seconds=30) == (works, said)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_child_that_crashes_is_told() -> None:
    assert try_code("import os; os.abort()", seconds=30) == (False, "crashed (signal 6)")


def test_a_child_that_hangs_is_given_up() -> None:
    start = time.monotonic()
    assert try_code("import time; time.sleep(60)", seconds=0.5) == (
        False,
        "no answer within 0.5 s",
    )
    assert time.monotonic() - start < 10


def test_commands_name_this_environment_and_checkout(root: Path) -> None:
    assert shlex.split(pip_command("a b"))[:4] == [sys.executable, "-m", "pip", "install"]
    assert shlex.split(extra_command("web"))[4:] == ["-e", f"{root}[web]"]
