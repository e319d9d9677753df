#!/usr/bin/env python3
r"""Prepare a demonstration beforehand: networks and compiled plans for machines that are not here.

  python scripts/build_engines.py --out prepared                     # portable ONNX, RTX plans
  python scripts/build_engines.py mobile mine --chips 8.6,8.9 --out prepared
  python scripts/build_engines.py --here --precisions f16,f32 --out prepared

makes for every model

  prepared/<model>/onnx/    each network with its types written out, as TensorRT takes it; runs
                            wherever ONNX does
  prepared/<model>/plans/   a plan for each compute capability, built ahead of time (tensorrt-rtx;
                            this machine needs no GPU), and with --here those of the GPU here
  prepared/index.json       all of it with sha256, and what could not be built and why

Copy prepared/<model>/plans to engines/<model>/plans on the other machine: `fra-live engines list`
says there whether they fit. They do when the model and the version of TensorRT are the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fra_live.errors import EngineError, FraLiveError
from fra_live.runtime.build import NETWORKS, PRECISIONS, part_name, ready_plan, wanted_plan
from fra_live.runtime.bundle import Bundle, load_bundle, sha256
from fra_live.runtime.gpu import Gpu, find_gpu
from fra_live.runtime.half import prepare
from fra_live.runtime.onnx_graph import read_model
from fra_live.runtime.plans import write_whole
from fra_live.runtime.tensorrt_package import TensorRT, find_tensorrt, load_package


@dataclass(frozen=True)
class Job:
    """One file to make: a plan of `rt` for `gpu` or `chips`, or without `rt` the ONNX network."""

    bundle: Bundle
    network: str
    precision: str
    rt: TensorRT | None = None
    gpu: Gpu | None = None
    chips: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For the list of what is done."""
        target = self.gpu.name if self.gpu else ", ".join(self.chips)
        kind = f"plan for {target}" if self.rt else "ONNX"
        return f"{self.bundle.name} {self.network} {self.precision}, {kind}"


def make(job: Job, out: Path) -> Path:
    """Make one file.

    Raises:
        EngineError: it cannot be built.
        OSError: it cannot be written.
    """
    bundle = job.bundle
    if job.rt is None:
        folder = out / bundle.name / "onnx"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{job.network}-{job.precision}.onnx"
        network = prepare(
            read_model(bundle.part(part_name(job.network, job.precision))), job.precision
        )
        write_whole(path, network.SerializeToString())
        return path
    folder = out / bundle.name / "plans"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = wanted_plan(bundle, job.network, job.precision, job.rt, job.gpu, job.chips)
    ready = ready_plan(bundle, wanted, job.rt, folder=folder, progress=lambda name, share: None)
    if ready.path is None:
        raise EngineError(f"{folder} cannot be written; give another --out.")
    if ready.path.parent != folder:  # it was in the model's own cache
        for suffix in (".plan", ".json"):
            shutil.copyfile(ready.path.with_name(ready.path.name.removesuffix(".plan") + suffix),
                            folder / (ready.path.name.removesuffix(".plan") + suffix))  # fmt: skip
    return folder / ready.path.name


def jobs(args: argparse.Namespace) -> Iterator[Job]:
    """All files to make; raises EngineError where no plan at all can be built."""
    rt = load_package("tensorrt_rtx") if args.chips or args.chips is None else "none asked for"
    if isinstance(rt, str) and args.chips:
        raise EngineError(f"Plans for other GPUs cannot be built: {rt}: pip install tensorrt-rtx.")
    here: tuple[TensorRT, Gpu] | None = None
    if args.here:
        gpu = find_gpu()
        here = find_tensorrt(gpu.compute_capability), gpu
    if isinstance(rt, str) and args.chips is None:
        print(f"no plans for other GPUs: {rt} (pip install tensorrt-rtx)", file=sys.stderr)
    for model in args.models or ["mobile"]:
        bundle = load_bundle(model)
        for precision in args.precisions:
            for network in NETWORKS:
                yield Job(bundle, network, precision)
                if not isinstance(rt, str):
                    for chip in args.chips or rt.chips() or ():
                        yield Job(bundle, network, precision, rt, chips=(chip,))
                if here is not None:
                    yield Job(bundle, network, precision, here[0], here[1])


def _words(*known: str) -> Any:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(part.strip() for part in text.split(",") if part.strip())
        if known and not set(words) <= set(known):
            raise argparse.ArgumentTypeError(f"'{text}' is not of {', '.join(known)}")
        return words

    return parse


def main(argv: Sequence[str] | None = None) -> int:
    """Make everything; returns 1 where something could not be made, with a sentence each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", help="names or folders of models (default: mobile)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--precisions", type=_words(*PRECISIONS), default=("f16",), metavar="P,P")
    parser.add_argument(
        "--chips", type=_words(), metavar="CC,CC",
        help="compute capabilities, as 8.6,8.9; '' for none (default: all that tensorrt-rtx knows)",
    )  # fmt: skip
    parser.add_argument("--here", action="store_true", help="also for the GPU of this machine")
    args = parser.parse_args(argv)
    index: list[dict[str, Any]] = []
    try:
        for job in jobs(args):
            entry: dict[str, Any] = {"what": job.name}
            try:
                path = make(job, args.out)
                entry |= {"file": str(path.relative_to(args.out)), "sha256": sha256(path)}
                print(f"{job.name}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
            except EngineError as error:
                entry["failed"] = str(error)
                print(f"{job.name}: {error}", file=sys.stderr, flush=True)
            index.append(entry)
        args.out.mkdir(parents=True, exist_ok=True)
        write_whole(args.out / "index.json", (json.dumps(index, indent=2) + "\n").encode())
    except FraLiveError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{args.out} cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    return 1 if any("failed" in entry for entry in index) else 0


if __name__ == "__main__":
    sys.exit(main())
