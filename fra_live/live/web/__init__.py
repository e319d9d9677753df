"""The web page of `fra-live web`: webcam, video and image in a browser.

`sharing`, `camera`, `clip`, `still` and `pieces` know nothing of Gradio: what a session does and
the HTML that shows it. `webcam`, `video`, `image` and `about` are the tabs; `page` puts them
together and `serve` answers requests. Whatever Gradio needs is imported here only by them.
"""
