"""Torch definitions of Net_coarse and Net_fine; used to train and to export, never to run."""

from fra_live.networks.build import BUILDERS, build_network
from fra_live.networks.fcn import SegmentationNetwork

__all__ = ["BUILDERS", "SegmentationNetwork", "build_network"]
