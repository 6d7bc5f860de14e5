"""The text of a screenshot: decode within limits, cut tall images into strips, read the lines, sort them.

Imported only when an image arrives: the reader and its models take a second and 100 MB.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from rapidocr_onnxruntime import RapidOCR

from harassclf.errors import HarassclfError

_FORMATS = ("PNG", "JPEG", "WEBP")
_MAX_PIXELS = 40_000_000  # a long screenshot of ten screens of a phone has 30 million
_STRIP = 1_800  # pixels; the reader shrinks what is taller than 2,000, and small text with it
_SEARCH = 400  # pixels above a strip's end in which a quiet row to cut at is looked for
_SURE = 0.5  # below it the reader's lines are mostly icons and pictures


class ImageRefusedError(HarassclfError):
    """Not an image that can be read."""

    code = "image_invalid"
    http_status = 422


def read(content: bytes) -> dict[str, Any]:
    """Text and lines of an image. Raises :class:`ImageRefusedError`."""
    image = _decoded(content)
    lines = [line for top, strip in _strips(image) for line in _lines(strip, top)]
    return {
        "text": "\n".join(line["text"] for line in lines),
        "lines": lines,
        "width": image.shape[1],
        "height": image.shape[0],
    }


@cache
def _reader() -> Any:
    return RapidOCR()


def _decoded(content: bytes) -> np.ndarray:
    """Pixels, shape ``(height, width, 3)``, upright, on white where the image is transparent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limit is the lower one
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _check_size(*image.size)  # known from the header, before a pixel is unpacked
                upright = ImageOps.exif_transpose(image).convert("RGBA")
    except HarassclfError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error and more on damaged files
        raise ImageRefusedError(
            f"not a PNG, JPEG or WebP image that can be read ({type(error).__name__}); make a new screenshot"
        ) from None
    white = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(white, upright).convert("RGB"))


def _check_size(width: int, height: int) -> None:
    if width * height > _MAX_PIXELS:
        raise ImageRefusedError(
            f"{width:,} x {height:,} pixels, the limit is {_MAX_PIXELS:,} in all; cut the image in two"
        )
    if min(width, height) < 8:
        raise ImageRefusedError(f"{width} x {height} pixels is too small to hold text")


def _strips(image: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Top and pixels of strips, cut where a row is plainest, so that no line of text is cut through."""
    height, top = image.shape[0], 0
    unrest = np.abs(np.diff(image.mean(axis=2), axis=1)).sum(axis=1)
    while top < height:
        bottom = min(height, top + _STRIP)
        if bottom < height:
            bottom = bottom - _SEARCH + int(np.argmin(unrest[bottom - _SEARCH : bottom]))
        yield top, image[top:bottom]
        top = bottom


def _lines(strip: np.ndarray, top: int) -> list[dict[str, Any]]:
    found, _ = _reader()(np.ascontiguousarray(strip[:, :, ::-1]))  # it expects blue first
    lines = [_line(corners, text, float(sure), top) for corners, text, sure in found or [] if float(sure) >= _SURE]
    return _in_reading_order(lines)


def _line(corners: list[list[float]], text: str, sure: float, top: int) -> dict[str, Any]:
    across, down = [x for x, _ in corners], [y + top for _, y in corners]
    box = [round(value, 1) for value in (min(across), min(down), max(across), max(down))]
    return {"text": text, "confidence": round(sure, 4), "box": box}


def _in_reading_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """From top to bottom; what stands at one height from left to right."""
    ordered: list[dict[str, Any]] = []
    row: list[dict[str, Any]] = []
    for line in sorted(lines, key=lambda line: (line["box"][1] + line["box"][3]) / 2):
        middle = (line["box"][1] + line["box"][3]) / 2
        if row and middle > row[0]["box"][3]:
            ordered += sorted(row, key=lambda line: line["box"][0])
            row = []
        row.append(line)
    return ordered + sorted(row, key=lambda line: line["box"][0])
