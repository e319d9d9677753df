"""Networks as engines, and the model on disk."""

from fra_live.runtime.bundle import Bundle, load_bundle
from fra_live.runtime.engine import Engine, EngineChoice, open_engines

__all__ = ["Bundle", "Engine", "EngineChoice", "load_bundle", "open_engines"]
