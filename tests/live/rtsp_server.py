"""Serves a clip by RTSP until it is killed; run by the system's Python, which has GStreamer.

Usage: rtsp_server.py CLIP PORT USER PASSWORD; says "ready" once it listens.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

clip, port, user, password = sys.argv[1:]
Gst.init(None)
auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
token.set_string("media.factory.role", user)
auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
factory = GstRtspServer.RTSPMediaFactory()
location = Path(clip).resolve()
factory.set_launch(f'( filesrc location="{location}" ! qtdemux ! rtph264pay name=pay0 pt=96 )')
factory.set_shared(True)
factory.add_role_from_structure(
    Gst.Structure.from_string(
        f"{user}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    )[0]
)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
server.set_auth(auth)
server.get_mount_points().add_factory("/clip", factory)
if server.attach(None) == 0:
    sys.exit("the port cannot be used")
print("ready", flush=True)
GLib.MainLoop().run()
