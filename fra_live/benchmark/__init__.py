"""How fast this machine runs a model: what `fra-live bench` measures.

A regime at a time, never two runtimes in turns: spinning threads of the one make the other look
half as fast. Nothing here knows the stages; it times the whole recognizer and reads the times
that every `FrameResult` carries.
"""

from fra_live.benchmark.measure import Timing, time_frames
from fra_live.benchmark.run import BenchOptions, run_bench

__all__ = ["BenchOptions", "Timing", "run_bench", "time_frames"]
