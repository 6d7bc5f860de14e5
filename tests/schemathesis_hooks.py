"""Bodies for the picture route: schemathesis makes none of its own for image types (three cases in all without these)."""

from __future__ import annotations

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def picture(name: str, size: tuple[int, int], grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, grey).save(file, name)
    return file.getvalue()


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    """A small picture with some bytes changed and its end cut off."""
    data = bytearray(picture(name, draw(st.tuples(st.integers(1, 64), st.integers(1, 64))), draw(st.integers(0, 255))))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=8)):
        data[place] = byte
    return bytes(data[: draw(st.integers(1, len(data)))])


for media_type, name in FORMATS.items():
    schemathesis.openapi.media_type(media_type, st.one_of(damaged(name), st.binary(max_size=4096)))
