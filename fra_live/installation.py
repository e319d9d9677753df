"""How fra_live is installed here: versions, the pip commands that fit, code tried in a child."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse


def package_version(package: str) -> str | None:
    """Version of an installed distribution; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def pip_command(*arguments: str) -> str:
    """The `pip install` for the environment in use, whichever is first on the user's path."""
    return shlex.join([sys.executable, "-m", "pip", "install", *arguments])


def extra_command(extra: str) -> str:
    """The command that adds an extra, from the checkout where fra_live runs from one."""
    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return pip_command("-e", f"{checkout}[{extra}]")
    try:
        origin = metadata.distribution("fra-live").read_text("direct_url.json")
        url = urlparse(json.loads(origin)["url"]) if origin else None
    except (metadata.PackageNotFoundError, ValueError, KeyError):
        url = None
    if url is not None and url.scheme == "file" and Path(unquote(url.path)).exists():
        return pip_command(f"{unquote(url.path)}[{extra}]")
    return pip_command(f"fra-live[{extra}]")


def try_code(code: str, *arguments: str, seconds: float) -> tuple[bool, str]:
    """Run Python code in a child process, where it may hang or crash.

    Args:
        code: what `python -c` gets, with `arguments` in sys.argv[1:].
        seconds: the child is killed after this time.

    Returns:
        Whether it ended with status 0, and its last line of output, or else what went wrong.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()  # not waited for: a driver may hold it in the kernel
        return False, f"no answer within {seconds:g} s"
    except BaseException:
        child.kill()
        raise
    if child.returncode == 0:
        return True, _last_line(out)
    if child.returncode < 0:
        return False, f"crashed (signal {-child.returncode})"
    return False, _last_line(err) or f"exit status {child.returncode}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
