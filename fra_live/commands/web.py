"""`fra-live web`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from fra_live.commands.common import (
    add_model_options,
    add_overlay_options,
    add_threshold_option,
    load_recognizers,
    natural,
    positive,
    require,
    say,
)

HELP = "a page for the browser: webcam, videos and images"
DESCRIPTION = """\
Serves a page with tabs for the browser's camera, uploaded videos and images.

  fra-live web --open
  FRA_LIVE_AUTH=demo:secret fra-live web --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem

Only this computer reaches the page unless --host says otherwise. Browsers give a camera only to
pages from their own computer or over https. Uploads are deleted when a visitor leaves."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS",
        help="address to listen at; 0.0.0.0 for everybody (default: 127.0.0.1)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=_port, metavar="N", help="default: the first free one from 7860 on"
    )
    parser.add_argument(
        "--auth", metavar="USER:PASSWORD",
        help="ask visitors for these; better by the variable FRA_LIVE_AUTH, which others on this "
        "computer cannot see",
    )  # fmt: skip
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate, for https")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key")
    parser.add_argument(
        "--max-upload", type=positive, default=500.0, metavar="MB",
        help="largest upload, MB (default: 500)",
    )  # fmt: skip
    parser.add_argument(
        "--max-minutes", type=positive, default=10.0, metavar="N",
        help="longest video, minutes (default: 10)",
    )  # fmt: skip
    parser.add_argument(
        "--max-cameras", type=natural, default=8, metavar="N",
        help="cameras served at the same time; more wait (default: 8)",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="open it in this computer's browser")
    add_threshold_option(parser)
    add_overlay_options(parser)
    add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    user, password = _credentials(args)
    if (args.tls_cert is None) != (args.tls_key is None):
        args.parser.error("--tls-cert and --tls-key go together")
    for path in (args.tls_cert, args.tls_key):
        if path is not None and not path.is_file():
            args.parser.error(f"{path} is no file")
    require("The web page", "web", "gradio")
    from fra_live.live.web.serve import WebOptions, run_page
    from fra_live.live.web.sessions import Limits
    from fra_live.memory import bound_arenas
    from fra_live.standby import reserves_of

    bound_arenas()
    recognizer = load_recognizers(args)
    recognizer.warm_up()

    options = WebOptions(
        host=args.host,
        port=args.port,
        user=user,
        password=password,
        certificate=args.tls_cert,
        key=args.tls_key,
        limits=Limits(args.max_upload, args.max_minutes, max(1, args.max_cameras)),
        view=args.view,
        faces=args.hide_faces,
        open_browser=args.open,
    )
    run_page(recognizer, options, say, reserves_of(recognizer, args.model, args.threads))
    return 0


def _credentials(args: argparse.Namespace) -> tuple[str | None, str | None]:
    given = args.auth or os.environ.get("FRA_LIVE_AUTH")
    if not given:
        return None, None
    user, colon, password = given.partition(":")
    if not (user and colon and password):
        # The text itself is not repeated: it may be most of a password.
        args.parser.error("--auth and FRA_LIVE_AUTH are USER:PASSWORD")
    return user, password


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port; 1 to 65535 are")
    return port
