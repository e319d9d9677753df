"""The sound of a source in its annotated copy: packet by packet where mp4 and browsers take it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from fra_live.video.decoding import open_file, reason, start_time_s
from fra_live.video.files import DECODING_ERRORS

# What mp4 holds and every browser plays; AC-3, PCM or Vorbis in mp4 play in some only.
COPIED_CODECS = frozenset({"aac", "mp3", "mp3float", "opus", "flac"})
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_BITS_PER_CHANNEL = 80_000
_LEAST_MP3_RATE = 16_000  # Hz; mp4 has no place for slower MP3
_LONGEST_GAP_S = 3600
_MAX_TRACKS = 8
_MAX_FAILED_READS = 20
# Damaged packets, and sound that changes its kind on the way: the picture goes on without them.
_ITS_OWN_FAULT = (av.InvalidDataError, av.ArgumentError, ValueError)


class _Track:
    """One audio stream on its way into the copy."""

    def __init__(self, stream: AudioStream, output: OutputContainer, start_s: Fraction) -> None:
        self.stream = stream
        self.base = stream.time_base or Fraction(1, stream.codec_context.sample_rate or 48_000)
        self._start = round(start_s / self.base)
        self._longest = round(_LONGEST_GAP_S / self.base)
        self._output = output
        self._last_dts: int | None = None
        self._last_pts: int | None = None
        context = stream.codec_context
        slow_mp3 = context.name.startswith("mp3") and context.sample_rate < _LEAST_MP3_RATE
        self.copied = context.name in COPIED_CODECS and not slow_mp3
        self.out: Any
        if self.copied:
            self.out = output.add_stream_from_template(stream)
        else:
            self.out = _aac_stream(stream, output)
        language = stream.metadata.get("language")
        if language:
            self.out.metadata["language"] = language

    def put(self, packet: Packet[Any]) -> None:
        """Write one packet of the source."""
        if not self.copied:
            with suppress(av.InvalidDataError):  # one damaged packet: a moment of silence
                for frame in packet.decode():
                    self._encode(frame)
            return
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is None:
            return
        packet.dts -= self._start
        packet.pts = packet.dts if packet.pts is None else packet.pts - self._start
        last = self._last_dts
        if last is not None and not 0 < packet.dts - last < self._longest:
            return  # repeated, disordered or damaged: mp4 cannot hold it
        if packet.duration and packet.duration > self._longest:
            packet.duration = 0
        self._last_dts = packet.dts
        packet.stream = self.out
        self._output.mux(packet)

    def flush(self) -> None:
        """Write what decoder and encoder still hold."""
        if not self.copied:
            with suppress(av.InvalidDataError, av.EOFError):
                for frame in self.stream.decode(None):
                    self._encode(frame)
            self._output.mux(self.out.encode(None))

    def _encode(self, frame: Any) -> None:
        if frame.pts is not None:
            frame.pts -= self._start
            last, self._last_pts = self._last_pts, frame.pts
            if last is not None and not 0 < frame.pts - last < self._longest:
                return  # as above
        self._output.mux(self.out.encode(frame))


class SoundTrack:
    """All audio tracks of a file, copied beside the video as it is written.

    Attributes:
        problem: what could not be kept, as a sentence; None where all was.
    """

    def __init__(self, source: Path, output: OutputContainer) -> None:
        """Add the tracks to `output`, whose header must not have been written yet."""
        self.problem: str | None = None
        self._name = str(source)
        self._tracks: dict[int, _Track] = {}
        self._container = None
        self._pending: Any = None  # a packet whose time has not come
        try:
            self._container = open_file(source)
            start_s = start_time_s(self._container)
            for stream in self._container.streams.audio[:_MAX_TRACKS]:
                context = getattr(stream, "codec_context", None)
                if context is None or context.sample_rate < 1 or context.channels < 1:
                    self._complain("its codec is unknown here")
                    continue
                self._tracks[stream.index] = _Track(stream, output, start_s)
        except DECODING_ERRORS as error:
            self._complain(reason(error))
        self._packets = self._read()

    def copy(self, until_s: Fraction | None) -> None:
        """Write the sound up to a time of the video; None: all that is left.

        Raises:
            av.FFmpegError, OSError: the output cannot be written.
        """
        while (packet := self._pending or next(self._packets, None)) is not None:
            self._pending = None
            track = self._tracks[packet.stream_index]
            time = packet.dts if packet.dts is not None else packet.pts
            if until_s is not None and time is not None and time * track.base > until_s:
                self._pending = packet
                return
            try:
                track.put(packet)
            except _ITS_OWN_FAULT as error:
                self._complain(reason(error))
        if until_s is None:
            for track in self._tracks.values():
                try:
                    track.flush()
                except _ITS_OWN_FAULT as error:
                    self._complain(reason(error))

    def close(self) -> None:
        """Close the source."""
        self._packets, self._pending = iter(()), None
        if self._container is not None:
            self._container.close()

    def _read(self) -> Iterator[Packet[Any]]:
        if self._container is None or not self._tracks:
            return
        streams = tuple(t.stream for t in self._tracks.values())
        packets: Iterator[Packet[Any]] = self._container.demux(streams)
        for _ in range(_MAX_FAILED_READS):
            try:
                for packet in packets:
                    if packet.size:  # not the empty ones at the end, which name no track
                        yield packet
                return
            except DECODING_ERRORS as error:
                self._complain(reason(error))
                packets = self._container.demux(streams)  # goes on behind the damaged place

    def _complain(self, why: str) -> None:
        self.problem = f"The sound of {self._name} could not be kept whole: {why}."


def _aac_stream(stream: AudioStream, output: OutputContainer) -> AudioStream:
    context = stream.codec_context
    rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48_000
    layout = {1: "mono", 6: "5.1", 7: "5.1", 8: "5.1"}.get(context.channels, "stereo")
    out = output.add_stream("aac", rate=rate)
    out.codec_context.layout = layout
    out.codec_context.bit_rate = _AAC_BITS_PER_CHANNEL * out.codec_context.channels
    return out
