"""The web page at ``/``: files of ``resources/page``, read once, served under the hash of all of them.

The hash is a part of the path, so the page's modules find each other by relative names, a browser may keep them for
ever, and a new version of any file is a new address. Only names of the packaged files are answered: no path of a
request ever reaches the file system.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from harassclf.settings import MAX_TEXT

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
_INDEX = "index.html"
_PLACE = b"{{static}}"  # in index.html: where the other files are
_LIMIT = b"{{limit}}"  # there too: the most characters of a message
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Page:
    """The files by name, and the hash that stands for all of them."""

    files: dict[str, bytes]
    version: str

    def index(self) -> bytes:
        """The document, with the place of the other files and the limit of a message written in."""
        placed = self.files[_INDEX].replace(_PLACE, f"static/{self.version}".encode())
        return placed.replace(_LIMIT, str(MAX_TEXT).encode())


def load_page() -> Page:
    """Read the packaged files."""
    folder = resources.files("harassclf").joinpath("resources/page")
    files = {item.name: item.read_bytes() for item in folder.iterdir() if item.name.rpartition(".")[2] in _TYPES}
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return Page(files, whole.hexdigest()[:16])


router = APIRouter(include_in_schema=False)


@cache
def _page() -> Page:
    return load_page()


@router.get("/")
@router.head("/")
async def index(request: Request) -> Response:
    """The page; a browser asks each time whether it is still the same."""
    headers = {"Cache-Control": "no-cache", "ETag": f'"{_page().version}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(_page().index(), headers=headers, media_type=_TYPES["html"])


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    """One of the page's files."""
    found = _page().files.get(name)
    if found is None or name == _INDEX:
        raise HTTPException(404, "no such file")
    kept = _FOR_EVER if version == _page().version else "no-cache"  # asked for by an open page of another version
    return Response(found, headers={"Cache-Control": kept}, media_type=_TYPES[name.rpartition(".")[2]])


@router.get("/favicon.ico")
async def icon() -> Response:
    """What browsers ask for on pages without a head, such as an answer in JSON."""
    return await static(_page().version, "icon.svg")
