"""Where pictures come from and where they go: cameras, files and URLs in, mp4 and JSONL out.

Nothing here knows what is recognized in a picture.
"""
