"""The last seconds of a stream, so that a clip can begin before its event was noticed.

Bounded in seconds and in bytes: frames are kept as they are while they fit, as JPEG once not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

_QUALITY = 92  # of JPEG: what is lost is less than H.264 will lose


@dataclass(frozen=True)
class StoredFrame:
    """A frame that is kept.

    Attributes:
        time_s: in its source, s.
        index: in its source.
        data: (H, W, 3) uint8 BGR, or (N,) uint8 of JPEG.
    """

    time_s: float
    index: int
    data: np.ndarray

    @property
    def image(self) -> np.ndarray:
        """The picture, (H, W, 3) uint8 BGR."""
        if self.data.ndim == 3:
            return self.data
        image = cv2.imdecode(self.data, cv2.IMREAD_COLOR)
        assert image is not None  # it was encoded here
        return image


class FrameRing:
    """Keeps the last frames.

    Args:
        seconds: how much is wanted.
        max_bytes: how much memory it may take; the last frame is kept in any case.
    """

    def __init__(self, seconds: float = 2.0, max_bytes: int = 150_000_000) -> None:
        self.seconds, self.max_bytes = seconds, max_bytes
        self._frames: deque[StoredFrame] = deque()
        self._bytes = 0
        self._compress = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def bytes(self) -> int:
        """Memory taken by pictures."""
        return self._bytes

    def push(self, image: np.ndarray, time_s: float, index: int) -> StoredFrame:
        """Keep a frame.

        Args:
            image: (H, W, 3) uint8 BGR; kept as it is, so it must not be drawn on later.
            time_s: not before the last one's; a clock set back empties the ring.
            index: in the source.
        """
        if self._frames and time_s < self._frames[-1].time_s:
            self.clear()
        data = image
        if self._compress:
            good, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            data = jpeg if good else image
        frame = StoredFrame(time_s, index, data)
        self._frames.append(frame)
        self._bytes += data.nbytes
        while len(self._frames) > 1 and time_s - self._frames[0].time_s > self.seconds:
            self._drop()
        while len(self._frames) > 1 and self._bytes > self.max_bytes:
            self._compress = True  # from here on; what is kept already makes room as it ages
            self._drop()
        return frame

    def since(self, time_s: float) -> list[StoredFrame]:
        """The frames kept from a time on, oldest first."""
        return [f for f in self._frames if f.time_s >= time_s]

    def find(self, index: int) -> StoredFrame | None:
        """The frame with an index, while it is kept."""
        return next((f for f in reversed(self._frames) if f.index == index), None)

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._bytes = 0

    def _drop(self) -> None:
        self._bytes -= self._frames.popleft().data.nbytes
