"""TensorRT as it is installed: the package `tensorrt` (10.13 to 11) or `tensorrt_rtx`.

Both have one interface, so what is built on this file does not ask which of them it has.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from fra_live.errors import EngineError
from fra_live.installation import extra_command

logger = logging.getLogger(__name__)

# Package → versions from the first on, below the second.
_PACKAGES = {"tensorrt": ((10, 13), (12,)), "tensorrt_rtx": ((1, 1), (2,))}


@dataclass(frozen=True, eq=False)
class TensorRT:
    """One package, imported.

    Attributes:
        module: the package.
        package: "tensorrt" or "tensorrt_rtx".
        version: its version.
        log: the logger that TensorRT's own objects take; its `errors` holds the last ones.
    """

    module: Any
    package: str
    version: str
    log: Any

    @property
    def portable(self) -> bool:
        """Its plans fit every GPU of the capabilities they were built for, on any driver."""
        return self.package == "tensorrt_rtx"

    def chips(self) -> tuple[str, ...] | None:
        """Compute capabilities that it builds for, as ("7.5", …); None where it does not say."""
        if not self.portable:
            return None
        names = [n for n in dir(self.module.ComputeCapability) if n.startswith("SM")]
        numbers = sorted(int(n[2:]) for n in names)
        return tuple(f"{n // 10}.{n % 10}" for n in numbers)

    def last_error(self) -> str:
        """What TensorRT complained of last, in one line."""
        text = self.log.errors[-1] if self.log.errors else "it gives no reason"
        return " ".join(str(text).split())[:300].rstrip(".")


def find_tensorrt(compute_capability: str | None = None) -> TensorRT:
    """Import the first package that works.

    Args:
        compute_capability: of the GPU that it has to serve, as "9.0"; None for any.

    Raises:
        EngineError: none does; the message says what is wrong with each.
    """
    reasons = []
    for found in _try_packages(tuple(_PACKAGES)):
        if isinstance(found, str):
            reasons.append(found)
            continue
        chips = found.chips()
        if compute_capability is None or chips is None or compute_capability in chips:
            return found
        reasons.append(
            f"{found.package} {found.version} does not know GPUs of compute capability "
            f"{compute_capability}"
        )
    raise EngineError(f"TensorRT cannot be used: {'; '.join(reasons)}: {extra_command('gpu')}")


def _try_packages(names: tuple[str, ...]) -> Iterator[TensorRT | str]:
    for name in names:
        yield load_package(name)


@cache
def load_package(name: str) -> TensorRT | str:
    """Import "tensorrt" or "tensorrt_rtx"; returns why it cannot be used, as a clause."""
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return f"{name} is not installed"
        return f"{name} cannot be loaded ({error})"
    except (ImportError, OSError, RuntimeError) as error:  # libraries of CUDA that are not there
        return f"{name} cannot be loaded ({' '.join(str(error).split())[:200]})"
    version = str(getattr(module, "__version__", "0"))
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    first, beyond = _PACKAGES[name]
    if not first <= numbers < beyond:
        wanted = f"{'.'.join(map(str, first))} to below {beyond[0]}"
        return f"{name} {version} is installed, but {wanted} is needed"
    return TensorRT(module, name, version, _log(module))


def _log(module: Any) -> Any:
    """TensorRT's messages into our log; errors are also kept for the sentence that tells them."""
    severities = module.ILogger.Severity
    serious = (severities.ERROR, severities.INTERNAL_ERROR)

    class Log(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.errors: deque[str] = deque(maxlen=8)

        def log(self, severity: Any, message: str) -> None:
            if severity in serious:
                self.errors.append(message)
            if severity != severities.VERBOSE:
                logger.debug("%s", message)

    return Log()
