"""Screenshots over HTTP: the text of an image, for the person to correct before it is judged.

The image is decoded and read in memory; nothing of it is written anywhere. Needs the extra ``ocr``
(rapidocr-onnxruntime, which carries its models).
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from harassclf.errors import HarassclfError, MissingDependencyError
from harassclf.service import schemas

_MAX_BYTES = 10_000_000
_WAITING = 4  # images read or waiting; more are asked to come back
_IMAGE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(("image/png", "image/jpeg", "image/webp"), _IMAGE)}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    413: {"model": schemas.ErrorOut, "description": "Image over the limit"},
    422: {"model": schemas.ErrorOut, "description": "Not an image that can be read"},
    501: {"model": schemas.ErrorOut, "description": "The extra `ocr` is not installed"},
    503: {"model": schemas.ErrorOut, "description": "Too many images; see Retry-After"},
}


class ImageTooLargeError(HarassclfError):
    """An image of more bytes than allowed."""

    code = "image_too_large"
    http_status = 413


class OcrBusyError(HarassclfError):
    """As many images as allowed are being read already."""

    code = "ocr_busy"


class OcrMissingError(MissingDependencyError):
    """The extra is not installed."""

    code = "ocr_missing"
    http_status = 501


class LineOut(BaseModel):
    """One line of text in an image."""

    text: str
    confidence: float = Field(description="0 to 1, as the reader gives it.")
    box: list[float] = Field(description="left, top, right, bottom in pixels.")


class OcrOut(BaseModel):
    """The text of an image."""

    text: str = Field(description="All lines, from top to bottom, one a line.")
    lines: list[LineOut]
    width: int
    height: int


class OcrStatus(BaseModel):
    """Whether images can be read here."""

    available: bool


router = APIRouter(prefix="/v1/ocr", tags=["screenshots"], responses=_ERRORS)


def installed() -> bool:
    """Whether the extra is there, without importing it."""
    return all(find_spec(name) for name in ("rapidocr_onnxruntime", "PIL"))


@router.get("", response_model=OcrStatus)
async def available() -> dict[str, bool]:
    """Whether this server can read screenshots."""
    return {"available": installed()}


@router.post("", response_model=OcrOut, openapi_extra=_BODY)
async def read_image(request: Request) -> dict[str, Any]:
    """Read the text of a PNG, JPEG or WebP image, which is the body. The image is not kept."""
    if not installed():
        raise OcrMissingError("reading screenshots needs an extra; install it with: pip install 'harassclf[ocr]'")
    content = await _content(request)
    from harassclf.service import screenshot

    return await to_thread.run_sync(partial(screenshot.read, content), limiter=_turn(request))


async def _content(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_BYTES:
            raise ImageTooLargeError(f"the image is over the limit of {_MAX_BYTES:,} bytes; crop it or save it as JPEG")
        chunks.append(chunk)
    return b"".join(chunks)


def _turn(request: Request) -> CapacityLimiter:
    """One image at a time: the reader uses all cores for itself."""
    state = request.app.state
    if not hasattr(state, "ocr_turn"):
        state.ocr_turn = CapacityLimiter(1)
    turn: CapacityLimiter = state.ocr_turn
    if turn.statistics().tasks_waiting >= _WAITING:
        raise OcrBusyError("other images are being read; try again in a few seconds")
    return turn
