"""harassclf: tells debt-collection harassment from lawful collection and from everything else, in Chinese messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from harassclf.classifier import Category, Classifier, Evidence, Explanation, Prediction
    from harassclf.errors import HarassclfError

__all__ = ["Category", "Classifier", "Evidence", "Explanation", "HarassclfError", "Prediction", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``harassclf --help`` loads neither numpy nor the segmenter."""
    if name == "HarassclfError":
        from harassclf.errors import HarassclfError

        return HarassclfError
    if name in __all__:
        from harassclf import classifier

        return getattr(classifier, name)
    raise AttributeError(f"module 'harassclf' has no attribute {name!r}")
