"""The generated documentation at ``/docs``, without the outside resources that FastAPI's own page loads.

Swagger UI comes from the package fastapi-offline (its files only). It writes style attributes, so this page alone allows
inline styles; scripts are files here as well.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from harassclf.service.headers import CONTENT_SECURITY_POLICY
from harassclf.service.limits import WORK

router = APIRouter(include_in_schema=False)
_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>harassclf: HTTP interface</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body></html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null})\n'


@router.get("/docs")
async def docs() -> Response:
    """The page."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """What starts Swagger UI."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """Swagger UI's script and style."""
    if name not in _TYPES:
        raise HTTPException(404, "no such file")
    headers = {"Cache-Control": "public, max-age=86400"}
    return FileResponse(_assets() / name, media_type=_TYPES[name], headers=headers)


@cache
def _assets() -> Path:
    spec = find_spec("fastapi_offline")  # located, not imported
    if spec is None or spec.origin is None:
        raise HTTPException(404, "the package fastapi-offline is not installed")
    return Path(spec.origin).parent / "static"


def describe_keys(app: FastAPI) -> None:
    """Say in ``/openapi.json`` that everything under ``/v1/`` wants a key."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer", "description": "A key made by harassclf key."}
        for path, operations in schema["paths"].items():
            if path.startswith(WORK):
                for operation in operations.values():
                    operation["security"] = [{"key": []}]
        return schema

    app.openapi = described  # type: ignore[method-assign]
