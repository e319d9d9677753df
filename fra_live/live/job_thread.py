"""Jobs done one after the other by a thread of their own, so that nobody waits for a disk."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from fra_live.errors import FraLiveError, SinkError


class JobThread:
    """Does jobs in the order in which they were put, until it is closed.

    Args:
        name: of the thread.
        failure: begins the sentence that tells why a job failed.
        most: jobs that may wait when more are put that could be left out.
    """

    def __init__(self, name: str, failure: str, most: int) -> None:
        self._failure, self._most = failure, most
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._closing = False
        self._error: FraLiveError | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def error(self) -> FraLiveError | None:
        """Why the first job that failed did; None while all is well."""
        with self._changed:
            return self._error

    def put(self, job: Callable[[], None], wait: bool | None = None) -> bool:
        """Have a job done.

        Args:
            job: called on the thread.
            wait: where too many wait already, wait too (True) or leave this one out (False);
                None: it must be done, and nobody waits.

        Returns:
            Whether it will be done.
        """
        with self._changed:
            if wait is False and len(self._jobs) >= self._most:
                return False
            if wait:
                self._changed.wait_for(lambda: len(self._jobs) < self._most)
            self._jobs.append(job)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """Wait until all jobs are done; none may be put any more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._jobs) or self._closing)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._changed.notify_all()
            try:
                job()
            except Exception as error:
                failed = error
                if not isinstance(failed, FraLiveError):
                    failed = SinkError(f"{self._failure}: {error}.")
                with self._changed:
                    self._error = self._error or failed
