"""What belongs to one browser tab: its camera, its jobs, its files; gone when the tab is."""

from __future__ import annotations

import logging
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from fra_live.live.web.camera import Camera
from fra_live.live.web.sharing import SharedRecognizer

_MOST_SESSIONS = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What visitors may ask for.

    Attributes:
        upload_mb: largest upload, MB.
        minutes: longest video.
        cameras: cameras that are served at the same time; more wait in a queue.
    """

    upload_mb: float = 500.0
    minutes: float = 10.0
    cameras: int = 8


class Session:
    """One browser tab.

    Attributes:
        recognizer: the session's view of it.
        camera: the stream of the tab's camera.
        stopping: set to stop the video at work.
    """

    def __init__(self, key: Hashable, recognizer: SharedRecognizer, root: Path) -> None:
        self.recognizer = recognizer.of(key)
        self.camera = Camera(self.recognizer)
        self.stopping = threading.Event()
        self.working = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix=f"session-{secrets.token_hex(8)}-", dir=root))
        self._uploads: set[Path] = set()

    def new_folder(self) -> Path:
        """An empty folder for results; its name cannot be guessed."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def keep(self, upload: Path) -> None:
        """Remember an upload, to be removed with the session."""
        self._uploads.add(upload)

    def close(self) -> None:
        """Stop what goes on and remove the files."""
        self.stopping.set()
        for upload in self._uploads:
            upload.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class Sessions:
    """All sessions by the browser's key.

    Args:
        recognizer: shared by all.
        root: where the sessions' folders are made.
    """

    def __init__(self, recognizer: SharedRecognizer, root: Path) -> None:
        self.recognizer, self._root = recognizer, root
        self._lock = threading.Lock()
        self._sessions: OrderedDict[Hashable, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def of(self, key: Hashable) -> Session:
        """The session of a key, made where it is new."""
        dropped = None
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = Session(key, self.recognizer, self._root)
            self._sessions.move_to_end(key)
            if len(self._sessions) > _MOST_SESSIONS:  # tabs that never said good-bye
                _, dropped = self._sessions.popitem(last=False)
        if dropped is not None:
            dropped.close()
        return session

    def close(self, key: Hashable) -> None:
        """End a session; an unknown key is none."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()
            _log.debug("a session ended; %d are open", len(self))

    def close_all(self) -> None:
        """End all of them."""
        for key in list(self._sessions):
            self.close(key)
