"""From one camera to the next, while the present one goes on."""

from __future__ import annotations

from collections.abc import Callable

from fra_live.live.background import Background
from fra_live.video.sources import Source, list_cameras


class CameraSwitch:
    """Opens other cameras in the background, one at a time.

    Args:
        present: index of the camera in use; None where the source is no camera.
        open_camera: opens the camera with an index.

    Attributes:
        present: the last one that was opened.
        opening: index of the one that is being opened; None where none is.
    """

    def __init__(self, present: int | None, open_camera: Callable[[int], Source]) -> None:
        self.present = present
        self.opening: int | None = None
        self._open = open_camera
        self._work: Background[Source] | None = None

    def open_next(self) -> bool:
        """Begin to open the next camera; False where there is no other."""
        if self._work is not None:
            return True
        others = [i for i in list_cameras() if i != self.present]
        if not others:
            return False
        later = [i for i in others if self.present is not None and i > self.present]
        index = self.opening = (later or others)[0]
        self._work = Background(lambda: self._open(index), lambda source: source.close())
        return True

    def opened(self) -> Source | None:
        """The camera that has just been opened, once; the caller closes it.

        Raises:
            SourceError: it cannot be opened.
        """
        if self._work is None or not self._work.done():
            return None
        work, self._work = self._work, None
        index, self.opening = self.opening, None
        source = work.result()
        self.present = index
        return source

    def abandon(self) -> None:
        """Want no camera any more."""
        if self._work is not None:
            self._work.abandon()
