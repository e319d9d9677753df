"""What belongs to one browser tab: its camera, its jobs, its files; gone when the tab is."""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fra_live.live.web.camera import Camera
from fra_live.live.web.engines import Engines, Loader
from fra_live.live.web.guard import RESULTS, own_upload
from fra_live.live.web.sharing import SharedRecognizer

_MOST_SESSIONS = 200
_KEPT_RESULTS = 6  # of a session: what its tabs show, and some that are at work
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What visitors may ask for.

    Attributes:
        upload_mb: largest upload, MB.
        minutes: longest video.
        cameras: pictures of cameras that are worked on at the same time; more wait.
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
        working: held while a video is at work.
        uploads: files that were sent; they are removed with the session.
        token: lets in whoever knows it; nobody can guess it.
    """

    def __init__(self, key: Hashable, recognizer: SharedRecognizer, root: Path) -> None:
        self.recognizer = recognizer.of(key)
        self.camera = Camera(self.recognizer)
        self.stopping = threading.Event()
        self.working = threading.Lock()
        self._root = root
        self._folder = Path(tempfile.mkdtemp(prefix=f"{RESULTS}{secrets.token_hex(8)}-", dir=root))
        self._results: deque[Path] = deque()
        self.uploads: set[Path] = set()
        self.token = secrets.token_urlsafe(18)

    def new_folder(self) -> Path:
        """An empty folder for results; its name cannot be guessed. Old ones go."""
        self._results.append(Path(tempfile.mkdtemp(dir=self._folder)))
        while len(self._results) > _KEPT_RESULTS:
            shutil.rmtree(self._results.popleft(), ignore_errors=True)
        return self._results[-1]

    def take(self, named: Path | None) -> Path | None:
        """An upload that the visitor names, now this session's; None where it is no upload."""
        path = own_upload(named, self._root)
        if path is not None:
            self.uploads.add(path)
        return path

    def close(self, others: Collection[Path] = ()) -> None:
        """Stop what goes on and remove the files, but uploads that others have sent as well."""
        self.stopping.set()
        for upload in self.uploads.difference(others):
            with contextlib.suppress(OSError):
                upload.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class Sessions:
    """All sessions by the browser's key.

    Args:
        recognizer: shared by all.
        root: where the sessions' folders are made.
        reserves: load others, for when the engine fails or hangs.

    Attributes:
        engines: the recognizer and what may take its place.
        recognizer: the view of it that cameras and images have.
    """

    def __init__(
        self, recognizer: SharedRecognizer, root: Path, reserves: Sequence[Loader] = ()
    ) -> None:
        self.engines, self._root = Engines(recognizer, reserves), root
        self.recognizer = self.engines.lasting
        self._lock = threading.Lock()
        self._sessions: OrderedDict[Hashable, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def of(self, key: Hashable) -> Session:
        """The session of a key, made where it is new."""
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = Session(key, self.recognizer, self._root)
            self._sessions.move_to_end(key)
            oldest = next(iter(self._sessions))
            too_many = len(self._sessions) > _MOST_SESSIONS
        if too_many:  # tabs that never said good-bye
            self.close(oldest)
        return session

    def by_token(self, token: str) -> Session | None:
        """The session that a page belongs to; None where there is none (any more)."""
        with self._lock:
            return next((s for s in self._sessions.values() if s.token == token), None)

    def close(self, key: Hashable) -> None:
        """End a session; an unknown key is none."""
        with self._lock:
            session = self._sessions.pop(key, None)
            # Gradio names an upload by its contents: two tabs may have sent the same.
            others = {path for s in self._sessions.values() for path in s.uploads}
        if session is not None:
            session.close(others)
            _log.debug("a session ended; %d are open", len(self))

    def close_all(self) -> None:
        """End all of them."""
        for key in list(self._sessions):
            self.close(key)
