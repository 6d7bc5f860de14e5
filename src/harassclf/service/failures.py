"""Every failure as ``{"error": {"code", "message"}}``, without a word of the request in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from harassclf.errors import HarassclfError, InputError

# What pydantic calls the problem, and what we say. FastAPI's own 422 body repeats the whole input.
_VALIDATION = {
    "missing": ("field_missing", "the field is missing"),
    "string_type": ("text_not_string", "expected a string"),
    "string_unicode": ("text_not_unicode", "holds lone surrogates, so it was decoded wrongly"),
    "string_too_long": ("text_too_long", "over the limit of {max_length:,} characters"),
    "literal_error": ("value_unknown", "not one of the values that /docs lists"),
    "bool_type": ("value_unknown", "expected true or false"),
    "bool_parsing": ("value_unknown", "expected true or false"),
    "int_type": ("body_invalid", "expected a whole number"),
    "int_parsing": ("body_invalid", "expected a whole number"),
    "int_from_float": ("body_invalid", "expected a whole number"),
    "greater_than_equal": ("body_invalid", "expected a whole number, at least {ge}"),
    "less_than_equal": ("body_invalid", "expected a whole number, at most {le}"),
    "string_too_short": ("text_empty", "empty, expected the message to judge"),
    "list_type": ("texts_not_list", "expected a list"),
    "model_attributes_type": ("body_invalid", "expected a JSON object, sent with content-type application/json"),
}
_ELSE = ("body_invalid", "is not what the API expects, see /docs")
# Fields of bodies that an error may name: another name may be a message.
_FIELDS = (
    "text", "texts", "label", "categories", "comment", "keep_text", "text_column", "time_column", "contacts", "pasted",
    "timezone", "exported_by", "debtor", "guarantor", "collector", "owner_role", "mask",
)  # fmt: skip
# A field that we do not know is named only if it looks like the name of one.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,29}")
_POSITION = "expected the position of a column, a whole number from 0 for the first one"
_HEADERS = {
    400: {"Connection": "close"},
    401: {"WWW-Authenticate": 'Bearer realm="harassclf"'},
    408: {"Connection": "close"},
    503: {"Retry-After": "1"},
}


def add_failures(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HarassclfError, _refused)
    app.add_exception_handler(HTTPException, _http)


def failure(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """One error body."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def refusal(error: HarassclfError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to an error of the tree, whose message repeats nothing by the tree's own rule: the status is the class's
    ``http_status``, else 422 for a message that cannot be judged and 503 for the rest."""
    status: int = getattr(error, "http_status", 422 if isinstance(error, InputError) else 503)
    return failure(status, error.code, str(error), _HEADERS.get(status, {}) | (headers or {}))


async def _invalid(request: Request, error: Any) -> JSONResponse:
    errors = error.errors()
    for one in errors:  # first of all: a misspelt field is why another one is missing
        if one["type"] == "extra_forbidden":
            return failure(422, "field_unknown", _unknown(one["loc"]))
    first = errors[0]
    if first["type"] == "json_invalid":
        return failure(400, "json_invalid", "body: not JSON, expected a JSON object")
    code, message = _VALIDATION.get(first["type"], _ELSE)
    field = _field(first["loc"])
    if field == "comment" and first["type"] == "string_too_long":
        code = "comment_too_long"
    elif field in ("text_column", "time_column") and first["type"] != "missing":
        message = _POSITION
    elif first["type"] == "missing" and (field == "body" or first["loc"][0] != "body"):
        message = "missing, expected a JSON object" if field == "body" else "missing"
    return failure(422, code, f"{field}: {message.format_map(first.get('ctx', {}))}")


def _unknown(place: Sequence[str | int]) -> str:
    what = "query parameter" if place[0] == "query" else "field"
    name = str(place[-1])
    shown = f"{what} {name}" if _NAME.fullmatch(name) else f"a {what}"
    return f"{shown}: not known here, so nothing was done; see /docs for those there are"


def _field(place: Sequence[str | int]) -> str:
    """What to call the place of a problem. Names of headers and of parameters are the API's own, whatever was sent."""
    if place[0] == "header":
        return f"header {str(place[1]).title()}"
    if place[0] in ("query", "path") and len(place) > 1:
        return f"{place[0]} parameter {place[1]}"
    return str(next((part for part in place[1:] if part in _FIELDS), "body"))


async def _refused(request: Request, error: Any) -> JSONResponse:
    return refusal(error)


async def _http(request: Request, error: Any) -> JSONResponse:
    if isinstance(error.__cause__, UnicodeError):  # FastAPI's "error parsing the body"
        return failure(400, "json_invalid", "body: not UTF-8, which JSON must be; encode it as UTF-8")
    code = {404: "not_found", 405: "method_not_allowed", 400: "body_invalid"}.get(error.status_code, "http_error")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return failure(error.status_code, code, f"{error.detail}; see /docs", headers)


def _allowed(request: Request) -> str:
    """Every method of the path; the router names those of the first route that fits."""
    scope, methods = dict(request.scope), set[str]()
    for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"):
        scope["method"] = method
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            methods.add(method)
    return ", ".join(sorted(methods))


def internal() -> JSONResponse:
    """The answer to an error of ours."""
    return failure(500, "internal", "the service failed on this request; it is logged without its content")
