"""One thing that `fra-live doctor` looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        group: "python", "cpu", "model", "video", "window", "camera", "gpu" or "extras".
        name: what was looked at.
        state: "ok"; "missing": works without, with less; "broken": must be put right first.
        detail: what was found, in a clause.
        fix: the one command that helps; None where there is none.
    """

    group: str
    name: str
    state: State
    detail: str
    fix: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
