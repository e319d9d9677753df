"""`fra-live engines`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fra_live.commands.common import (
    ENGINES,
    ProgressBar,
    add_json_option,
    frame_size,
    positive,
    print_table,
    progress_bar,
    say,
    write_json,
)
from fra_live.commands.engines_verify import verify

if TYPE_CHECKING:
    from fra_live.runtime.bundle import Bundle

HELP = "compile networks for this machine's GPU; list, verify and remove what is compiled"
DESCRIPTION = """\
TensorRT compiles networks for one GPU, which takes a minute or so. The results (plans) are kept
beside the model, or where that cannot be written in the user's cache (or $FRA_LIVE_CACHE), and are
built again by themselves when the model, TensorRT, the driver or the GPU changes.

  fra-live engines build                      # now rather than at the next start
  fra-live engines build --for 8.6,8.9,12.0   # for other GPUs, with tensorrt-rtx, on any machine
  fra-live engines list                       # what is there, and why it is or is not usable
  fra-live engines verify --data test.json    # every engine against float32: error, change in AP
  fra-live engines clean                      # remove what fits no more; --all removes everything

Without an NVIDIA GPU there is nothing to compile: OpenVINO makes a model ready in a second."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the four subcommands."""
    subparsers = parser.add_subparsers(metavar="ACTION", required=True, title="actions")

    def add(name: str, what: str, run: Callable[[argparse.Namespace], int], figures: str) -> Any:
        sub = subparsers.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}.",
            formatter_class=parser.formatter_class,
        )  # fmt: skip
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        sub.add_argument(
            "--model", default="mobile", metavar="NAME|DIR", help="model bundle (default: mobile)"
        )
        add_json_option(sub, figures)
        sub.set_defaults(action=run)
        return sub

    build = add("build", "compile both networks with TensorRT", _build, "what was built")
    build.add_argument(
        "--precision", choices=("f16", "f32", "int8", "all"), default="f16", help="(default: f16)"
    )
    build.add_argument(
        "--frame",
        type=frame_size,
        default=(480, 640),
        metavar="WIDTHxHEIGHT",
        help="frames to tune for; others run too (default: 640x480)",
    )
    build.add_argument(
        "--for",
        dest="chips",
        type=_chips,
        default=(),
        metavar="CC,CC,…",
        help="GPUs of these compute capabilities, as 8.6,8.9, instead of the one here",
    )
    build.add_argument("--force", action="store_true", help="also what is there and fits")
    add("list", "show the plans there are and whether they are usable here", _list, "them")
    verifying = add(
        "verify", "compare every engine that works here with torch in float32", verify, "figures"
    )
    verifying.add_argument("--engine", default="auto", choices=ENGINES, help="only this one")
    verifying.add_argument("--precision", metavar="P", help="only this one")
    verifying.add_argument(
        "--images", type=Path, metavar="DIR", help="photos (default: frames of the demo)"
    )
    verifying.add_argument(
        "--data", type=Path, metavar="SET.json", help="annotated images: also the change in AP"
    )
    verifying.add_argument(
        "--limit", type=int, metavar="N", help="at most so many images of --data, spread over it"
    )
    verifying.add_argument(
        "--tolerance",
        type=positive,
        default=0.02,
        metavar="E",
        help="mean error of the probabilities that is a failure (default: .02)",
    )
    clean = add(
        "clean", "remove plans that are of no use here any more", _clean, "what was removed"
    )
    clean.add_argument("--all", action="store_true", help="remove every plan")


def run(args: argparse.Namespace) -> int:
    """Do what the subcommand says."""
    return int(args.action(args))


def _chips(text: str) -> tuple[str, ...]:
    """Argument type: compute capabilities, as 8.6,8.9."""
    chips = tuple(part.strip() for part in text.split(","))
    if not all(chip.replace(".", "", 1).isdigit() and "." in chip for chip in chips):
        raise argparse.ArgumentTypeError(f"'{text}' are no compute capabilities, as 8.6,8.9")
    return chips


def _percent(bar: ProgressBar) -> Callable[[str, float], None]:
    return lambda network, share: bar(round(100 * share), 100)


def _load(args: argparse.Namespace) -> Bundle:
    from fra_live.runtime.bundle import load_bundle

    return load_bundle(args.model)


def _build(args: argparse.Namespace) -> int:
    from fra_live.errors import EngineError
    from fra_live.runtime.build import NETWORKS, PRECISIONS, part_name, ready_plan, wanted_plan
    from fra_live.runtime.gpu import find_gpu
    from fra_live.runtime.tensorrt_package import find_tensorrt, load_package

    bundle, gpu = _load(args), None
    if args.chips:
        rt = load_package("tensorrt_rtx")
        if isinstance(rt, str):
            raise EngineError(f"Building for other GPUs: {rt}: pip install tensorrt-rtx.")
    else:
        gpu = find_gpu()
        rt = find_tensorrt(gpu.compute_capability)
    say(f"{rt.package} {rt.version}, for {gpu.name if gpu else ', '.join(args.chips)}")
    rows: list[dict[str, Any]] = []
    there = [p for p in PRECISIONS if bundle.has(*(part_name(n, p) for n in NETWORKS))]
    for precision in there if args.precision == "all" else (args.precision,):
        for network in NETWORKS:
            wanted = wanted_plan(bundle, network, precision, rt, gpu, args.chips)
            with progress_bar(f"{network} {precision}") as bar:
                ready = ready_plan(
                    bundle, wanted, rt, frame=args.frame, force=args.force,
                    progress=_percent(bar),
                )  # fmt: skip
            rows.append({
                "network": network, "precision": precision, "built": ready.built,
                "why": ready.why, "seconds": round(ready.seconds, 1),
                "mb": round(len(ready.plan) / 1e6, 1), "path": ready.path,
            })  # fmt: skip
    if args.json != "-":
        print_table(
            ("network", "precision", "size", "built in"),
            [
                [r["network"], r["precision"], f"{r['mb']} MB",
                 f"{r['seconds']} s" if r["built"] else "(was there)"]
                for r in rows
            ],
        )  # fmt: skip
        for folder in sorted({str(r["path"].parent) for r in rows if r["path"]}):
            say(f"plans in {folder}")
    if args.json:
        write_json(rows, args.json)
    return 0


def _list(args: argparse.Namespace) -> int:
    from fra_live.runtime.plans import plan_folders
    from fra_live.runtime.survey import look_here, survey

    bundle, here = _load(args), look_here()
    rows: list[dict[str, Any]] = []
    for found in survey(bundle, here):
        side = found.kept.sidecar
        rows.append({
            "plan": found.kept.path,
            "usable": found.obstacle is None,
            "why_not": found.obstacle,
            "network": side and side.spec.network,
            "precision": side and side.spec.precision,
            "tensorrt": side and f"{side.spec.package} {side.spec.version}",
            "for": side and (side.spec.gpu or ", ".join(side.spec.compute_capabilities)),
            "mb": side and round(side.plan_bytes / 1e6, 1),
            "built": side and side.built,
        })  # fmt: skip
    if args.json:
        folders = plan_folders(bundle)
        write_json({"obstacle": here.obstacle, "folders": folders, "plans": rows}, args.json)
    if args.json != "-":
        if here.gpu is not None and here.rt is not None:
            say(f"{here.rt.package} {here.rt.version} on {here.gpu.name}")
        elif here.obstacle:
            say(here.obstacle)
        if not rows:
            say(f"no plans of {bundle.name}; they would be kept in {plan_folders(bundle)[0]}.")
            return 0
        print_table(
            ("network", "built with", "for", "size", "usable here"),
            [
                [f"{r['network']} {r['precision']}" if r["network"] else r["plan"].name,
                 str(r["tensorrt"] or ""), str(r["for"] or ""), f"{r['mb']} MB" if r["mb"] else "",
                 "yes" if r["usable"] else f"no: {r['why_not']}"]
                for r in rows
            ],
        )  # fmt: skip
    return 0


def _clean(args: argparse.Namespace) -> int:
    from fra_live.errors import EngineError
    from fra_live.runtime.plans import remove_plan
    from fra_live.runtime.survey import look_here, survey

    removed = []
    for found in survey(_load(args), look_here()):
        if not (args.all or found.stale):
            continue
        try:
            remove_plan(found.kept)
        except OSError as error:
            raise EngineError(
                f"{found.kept.path} cannot be removed: {error.strerror}; delete it by hand."
            ) from error
        removed.append({"plan": found.kept.path, "why": found.obstacle})
        say(f"removed {found.kept.path.name}{f': {found.obstacle}' if found.stale else ''}")
    if not removed:
        say("nothing to remove.")
    if args.json:
        write_json(removed, args.json)
    return 0
