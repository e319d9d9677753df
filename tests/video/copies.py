"""Copies of clips, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from fra_live.video.files import FileSource
from fra_live.video.sinks import VideoSink


def copy(path: Path, out: Path) -> VideoSink:
    with FileSource.open(path) as source:
        assert source.size is not None
        with VideoSink(out, source.size, source.rate, source=path) as sink:
            for frame in source:
                sink.write(frame.image, frame.timestamp_s)
    return sink


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(f.time) for f in container.decode(video=0)]


def packets(path: Path, kind: str = "audio", number: int = 0) -> list[Any]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[number]
        base = stream.time_base
        return [(float(p.pts * base), bytes(p)) for p in container.demux(stream) if p.size]
