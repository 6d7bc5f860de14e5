"""A thread of contacts over HTTP: its flags, and the evidence package. Nothing of it is kept on the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.concurrency import run_in_threadpool

from harassclf.classifier import Classifier
from harassclf.errors import InputError, TableError
from harassclf.service import schemas
from harassclf.service.file_store import private_folder
from harassclf.service.shared import loaded, metrics_of, settings_of
from harassclf.text_encoding import decoded
from harassclf.timeline.contacts import Contact, Reading, contacts_of, read_contacts
from harassclf.timeline.package import made_at, package_files, zip_bytes
from harassclf.timeline.parties import Parties
from harassclf.timeline.pasted import NO_TIME, has_a_time, parse_pasted
from harassclf.timeline.thread import Timeline, build_timeline
from harassclf.timeline.times import DEFAULT_TIMEZONE

router = APIRouter(prefix="/v1/timeline", tags=["threads"])
_NAMES = 20  # of debtors, guarantors or collectors in one request
_ZIP_NAME = "证据材料"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": _BINARY}, "description": "The evidence package"}
}
_TABLE = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_EXAMPLE: dict[str, Any] = {
    "contacts": [
        {"time": "2026-03-01 22:15", "direction": "in", "sender": "02155501234", "channel": "sms", "text": "今天还钱"},
        {"time": "2026-03-02 09:00", "direction": "in", "sender": "02155501234", "channel": "call", "duration": 65},
    ],
    "timezone": "Asia/Shanghai",
}  # fmt: skip
_NEITHER = "body: neither contacts nor pasted; send a list of contacts or copied text"

Name = Annotated[str, Field(max_length=100)]
Names = Annotated[list[Name], Field(max_length=_NAMES)]
View = Literal["recipient", "collector"]
OwnerRole = Literal["", "debtor", "guarantor", "third_party"]


class _Asked(BaseModel):
    """How a thread is read, and who is who. Unknown names are refused: a misspelt debtor would make other flags."""

    model_config = ConfigDict(extra="forbid")

    timezone: str = Field(
        DEFAULT_TIMEZONE,
        max_length=64,
        description="IANA zone of the person reached: times without an offset, hours, days",
    )
    exported_by: View = Field("recipient", description="whose view `in` and `out` are")
    debtor: Name | Names = Field([], description="names or numbers; other recipients are third persons")
    guarantor: Name | Names = Field([], description="guarantors and co-borrowers: no third persons")
    collector: Name | Names = Field([], description="then only what they sent counts; default: all received")
    owner_role: OwnerRole = Field("", description="who the telephone's owner is, where a recipient is blank or 我")

    def reading(self, limit: int) -> Reading:
        return Reading(self.timezone, self.exported_by, _names(self.debtor), limit)

    def parties(self) -> Parties:
        return Parties(_names(self.debtor), _names(self.guarantor), _names(self.collector), self.owner_role)


class ThreadRequest(_Asked):
    """Contacts as objects, or copied text. A contact that cannot be used becomes an error at its place."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE], "oneOf": [{"required": ["contacts"]}, {"required": ["pasted"]}]}
    )

    contacts: list[Any] = Field(
        default_factory=list,
        json_schema_extra={"minItems": 1},  # told here, checked below
        description="objects with `time`, `direction` (in/out), `sender`, `recipient`, `recipient_role` (debtor, guarantor, "
        "third_party), `channel`, `text`, `duration` (seconds), `status`, `group`; Chinese names are understood",
    )
    pasted: str = Field(
        "", max_length=2_000_000, description="chats, SMS or call logs as copied, each begun by its time"
    )


class PackageRequest(ThreadRequest):
    """The same, for the evidence package."""

    mask: StrictBool = Field(False, description="hide numbers and names in all but the copy of this request")


class TableQuery(_Asked):
    """How an uploaded table is read."""

    debtor: Names = []
    guarantor: Names = []
    collector: Names = []
    name: str = Field("table.csv", max_length=200, description="file name; its ending tells CSV, XLSX, Parquet or text")
    mask: bool = Field(False, description="for the package: hide numbers and names in all but the original")


class RowOut(BaseModel):
    """A contact; `row` counts from 1 in the order of the request."""

    row: int
    time: str | None = Field(description="ISO 8601 on the local clock; null when `error` says why the row is not used")
    direction: str
    sender: str
    recipient: str
    recipient_role: str
    channel: str
    channel_zh: str
    group: bool
    text: str
    duration: float | None
    answered: bool | None
    verdict: schemas.PredictionOut | None = Field(description="of what was received; null for what was not judged")
    flags: list[str] = Field(description="rules that this contact triggered")
    note: str
    error: str


class FlagOut(BaseModel):
    """A rule of contact that the thread may break; no legal advice."""

    rule: str
    name_zh: str
    person: str
    person_role: str
    date: str | None = Field(description="the local day of a daily limit")
    count: int
    limit: int | None
    rows: list[int] = Field(description="all contacts that count")
    triggered_by: list[int] = Field(description="those beyond the limit; the same where there is no number")
    caution: str
    sources: list[schemas.LawCardOut]


class DayOut(BaseModel):
    """What the collector's side did on a local day."""

    date: str
    contacts: int
    effective_calls: int
    unanswered: int
    quiet: int


class SummaryOut(BaseModel):
    """Counts of the thread."""

    contacts: int
    incoming: int
    outgoing: int
    errors: int
    needs_review: int
    labels: dict[str, int]
    categories: dict[str, int]
    channels: dict[str, int]
    flags: dict[str, int]
    by_hour: list[int] = Field(description="24 numbers: what the collector's side did in each local hour")
    by_day: list[DayOut]
    first: str | None
    last: str | None
    timezone: str


class TimelineOut(BaseModel):
    """Rows in the order of the request, flags in the order of the rules, counts."""

    rows: list[RowOut]
    flags: list[FlagOut]
    summary: SummaryOut
    notes: list[str]
    model: str


def _no_query(request: Request) -> None:
    """What is asked in the address is not read where the body says how to read the thread."""
    if request.query_params:
        raise QueryUnknownError("query: no parameter is read here; send debtor, timezone and the others in the body")


@router.post("", response_model=TimelineOut, dependencies=[Depends(_no_query)])
async def timeline(body: ThreadRequest, request: Request) -> JSONResponse:
    """Judge a thread."""
    judged = await _judged(request, body, partial(_contacts, body))
    return JSONResponse(judged.to_dict())


@router.post("/package", response_class=Response, responses=_ZIP, dependencies=[Depends(_no_query)])
async def package(body: PackageRequest, request: Request) -> Response:
    """The evidence package as a zip; its original is this request, byte for byte."""
    original, name = _original(body, await request.body())
    judged = await _judged(request, body, partial(_contacts, body))
    return await run_in_threadpool(_zip, judged, original, name, body.mask)


@router.post("/table", response_model=TimelineOut, openapi_extra=_TABLE)
async def table(query: Annotated[TableQuery, Query()], request: Request) -> JSONResponse:
    """Judge the thread in an uploaded table (CSV, XLSX, Parquet, JSON) or text file."""
    content = await request.body()
    judged = await _judged(request, query, partial(_table_contacts, content, query))
    return JSONResponse(judged.to_dict())


@router.post("/table/package", response_class=Response, responses=_ZIP, openapi_extra=_TABLE)
async def table_package(query: Annotated[TableQuery, Query()], request: Request) -> Response:
    """The evidence package of an uploaded table; its original is the upload, byte for byte."""
    content = await request.body()
    judged = await _judged(request, query, partial(_table_contacts, content, query))
    return await run_in_threadpool(_zip, judged, content, query.name, query.mask)


async def _judged(request: Request, asked: _Asked, read: Callable[[int], list[Contact]]) -> Timeline:
    classifier, limit = loaded(request), settings_of(request).max_batch
    judged = await run_in_threadpool(_build, classifier, asked, read, limit)
    for entry in judged.entries:
        if entry.verdict:
            metrics_of(request).count(entry.verdict, entry.contact.text)
    return judged


def _build(classifier: Classifier, asked: _Asked, read: Callable[[int], list[Contact]], limit: int) -> Timeline:
    return build_timeline(read(limit), classifier, asked.parties(), asked.timezone)


def _contacts(body: ThreadRequest, limit: int) -> list[Contact]:
    if {"contacts", "pasted"} <= body.model_fields_set:
        raise InputError("body: contacts and pasted; send one of them")
    if not body.model_fields_set & {"contacts", "pasted"}:
        raise InputError(_NEITHER)
    if "pasted" in body.model_fields_set:
        return contacts_of(_pasted(body.pasted), body.reading(limit))
    if not body.contacts:
        raise NoRecordError("contacts: an empty list, expected at least one contact")
    return contacts_of(body.contacts, body.reading(limit))


def _pasted(text: str) -> list[dict[str, str]]:
    if not has_a_time(records := parse_pasted(text)):
        raise NoRecordError(f"pasted: {NO_TIME}")
    return records


def _table_contacts(content: bytes, query: TableQuery, limit: int) -> list[Contact]:
    """Contacts of an upload. The readers want a file: it stands in a folder only this user can enter, and is gone
    afterwards."""
    suffix = Path(query.name).suffix.lower()
    try:
        if suffix == ".txt":
            return contacts_of(_pasted(_decoded(content)), query.reading(limit))
        with private_folder() as folder:
            known = suffix if suffix in (".xlsx", ".xlsm", ".parquet", ".json") else ".csv"
            path = folder / f"table{known}"
            path.write_bytes(content)
            return _read(path, query.reading(limit))
    except TableError as error:
        raise UnusableTableError(str(error)) from None


def _read(path: Path, reading: Reading) -> list[Contact]:
    try:
        return read_contacts(path, reading)
    except TableError as error:
        raise TableError(str(error).replace(str(path), "table")) from None


class QueryUnknownError(InputError):
    """A query parameter of a route that has none."""

    code = "field_unknown"


class NoRecordError(InputError):
    """A request in which no record was found."""

    code = "no_record"


class UnusableTableError(InputError):
    """An upload that is no table of contacts."""

    code = "table_invalid"


def _decoded(content: bytes) -> str:
    text = decoded(content)
    if text is None:
        raise TableError("table: neither UTF-8 nor GB18030; save it as UTF-8")
    return text


def _original(body: ThreadRequest, content: bytes) -> tuple[bytes, str]:
    """What was sent. Copied text alone is kept as text, which is what the person copied."""
    if body.pasted:
        return body.pasted.encode("utf-8", "replace"), "粘贴文本.txt"
    return content, "请求.json"


def _zip(judged: Timeline, original: bytes, name: str, masked: bool) -> Response:
    at = made_at(os.environ)
    files, _ = package_files(judged, original, name, masked=masked, at=at, pdf=False)
    disposition = f"attachment; filename=\"evidence.zip\"; filename*=UTF-8''{quote(_ZIP_NAME)}.zip"
    return Response(
        zip_bytes(files, _ZIP_NAME, at), media_type="application/zip", headers={"Content-Disposition": disposition}
    )


def _names(names: str | list[str]) -> tuple[str, ...]:
    return tuple(filter(str.strip, [names] if isinstance(names, str) else names))
