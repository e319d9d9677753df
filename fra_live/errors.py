"""The exceptions that fra_live raises on purpose.

Every message is one sentence that names the thing (file, entry, device) and says what to do.
Commands print it and exit with status 1; anything else that escapes is a defect of ours.
"""


class FraLiveError(Exception):
    """Base of every error that fra_live raises on purpose."""


class BundleError(FraLiveError):
    """A model bundle is missing, altered, or not of a kind this version reads."""


class EngineError(FraLiveError):
    """A network could not be compiled or run on this machine."""


class SourceError(FraLiveError):
    """An input (image, video, camera, URL) cannot be opened or read."""


class SinkError(FraLiveError):
    """An output cannot be written."""


class DataError(FraLiveError):
    """An annotation file or its images cannot be trained on or evaluated with."""


class MissingExtraError(FraLiveError):
    """An optional part of fra_live is not installed; the message names the extra."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs the '{extra}' extra: pip install 'fra-live[{extra}]'.")
