"""The demo: a clip composed on the spot, recognized, and compared with what it truly shows.

The clip is a composite: NASA's public-domain portrait of Eileen Collins, which ships inside
scikit-image, with hands and objects drawn over it. Nothing of it was used for training.
"""

from fra_live.demo.clip import compose_clip
from fra_live.demo.report import DemoReport, Sighting, match
from fra_live.demo.run import run_demo
from fra_live.demo.scene import DEMO_ACTIONS, TrueAction

__all__ = [
    "DEMO_ACTIONS",
    "DemoReport",
    "Sighting",
    "TrueAction",
    "compose_clip",
    "match",
    "run_demo",
]
