"""A camera on the network: GStreamer's RTSP server with a test picture, for `test_rtsp`.

Run by the system's own Python, which has GStreamer's bindings:  rtsp_server.py PORT USER PASSWORD
It prints a line once it serves rtsp://127.0.0.1:PORT/live, and ends with its standard input.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PICTURES = (
    "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1"
    " ! vp8enc deadline=1 keyframe-max-dist=10 ! rtpvp8pay name=pay0 )"
)


def main() -> None:
    """Serve until the standard input ends."""
    port, user, password = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(launch=PICTURES, shared=True)
    role = GstRtspServer.RTSPToken()
    role.set_string("media.factory.role", "user")
    rights = "user,media.factory.access=true,media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(rights))
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), role)
    server.set_auth(auth)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {port} cannot be used")
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    print("serving", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
