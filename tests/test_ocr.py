"""Screenshots over HTTP: text in reading order, limits before decoding, nothing written, the extra said when missing."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("httpx2")
from fastapi.testclient import TestClient

from harassclf.service import ocr
from harassclf.service.app import create_app
from harassclf.settings import Settings

needs_extra = pytest.mark.skipif(not ocr.installed(), reason="needs the extra ocr: pip install 'harassclf[ocr]'")
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
needs_font = pytest.mark.skipif(not FONT.exists(), reason="needs a Chinese font (Debian: fonts-noto-cjk)")
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings()), raise_server_exceptions=False) as client:
        yield client


def picture(texts: list[tuple[int, int, str]], size: tuple[int, int] = (720, 400), kind: str = "PNG") -> bytes:
    """An image with texts at (x, y)."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "#f0f0f0")
    draw = ImageDraw.Draw(image)
    for x, y, text in texts:
        draw.text((x, y), text, font=ImageFont.truetype(FONT, 34), fill="#111")
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


@needs_extra
@needs_font
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_text_in_reading_order(client: TestClient, kind: str) -> None:
    image = picture([(40, 200, "发到你们公司群里"), (40, 60, "再不还钱"), (400, 60, "就把照片")], kind=kind)
    answer = client.post("/v1/ocr", content=image, headers={"content-type": f"image/{kind.lower()}"}).json()
    assert answer["text"].split("\n") == ["再不还钱", "就把照片", "发到你们公司群里"]
    assert (answer["width"], answer["height"]) == (720, 400)
    for line in answer["lines"]:
        left, top, right, bottom = line["box"]
        assert 0 <= left < right <= 720
        assert 0 <= top < bottom <= 400
        assert 0.5 <= line["confidence"] <= 1


@needs_extra
@needs_font
def test_a_long_screenshot_is_read_to_its_end(client: TestClient) -> None:
    """Shrunk to the reader's 2,000 pixels, letters of a taller screenshot could not be read."""
    said = [(40, 300 * i + 40, f"第{'一二三四五六七八九十'[i % 10]}条催收信息请尽快还款") for i in range(16)]
    answer = client.post("/v1/ocr", content=picture(said, (720, 4_900)), headers=PNG).json()
    assert answer["text"].split("\n") == [text for _, _, text in said]


@needs_extra
def test_an_image_without_text_is_empty_text(client: TestClient) -> None:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(content, "PNG")
    answer = client.post("/v1/ocr", content=content.getvalue(), headers=PNG)
    assert (answer.status_code, answer.json()["text"]) == (200, "")


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@needs_extra
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "image_invalid"),
        (b"no image", 422, "image_invalid"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", 422, "image_invalid"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", 422, "image_invalid"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, 422, "image_invalid"),
        (bomb(60_000, 60_000), 422, "image_invalid"),
        (bomb(2_000_000_000, 1), 422, "image_invalid"),
        (bomb(4, 4), 422, "image_invalid"),
        (bomb(2_000, 2_000), 422, "image_invalid"),
        (b"x" * 10_000_001, 413, "image_too_large"),
    ],
    ids=["empty", "text", "gif", "svg", "cut", "bomb", "wide", "tiny", "pixels missing", "large"],
)
def test_what_is_no_image_is_refused(client: TestClient, content: bytes, status: int, code: str) -> None:
    answer = client.post("/v1/ocr", content=content, headers=PNG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@needs_extra
@needs_font
def test_nothing_is_written(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert client.post("/v1/ocr", content=picture([(40, 60, "再不还钱")]), headers=PNG).status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_missing_extra_is_501_with_the_command(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: False)
    answer = client.post("/v1/ocr", content=b"x", headers=PNG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "ocr_missing")
    assert "pip install 'harassclf[ocr]'" in answer.json()["error"]["message"]
    assert client.get("/v1/ocr").json() == {"available": False}


def test_a_crowd_is_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: True)
    monkeypatch.setattr(ocr, "_WAITING", 0)
    answer = client.post("/v1/ocr", content=b"x", headers=PNG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ocr_busy")
    assert answer.headers["retry-after"]
