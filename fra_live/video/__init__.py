"""Where pictures come from and where they go: cameras, files and URLs in, mp4 and JSONL out.

Nothing here knows what is recognized in a picture.
"""

from fra_live.video.x_libraries import load_opencvs_first

load_opencvs_first()  # everything that imports PyAV comes through this package
