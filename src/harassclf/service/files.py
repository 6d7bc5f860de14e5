"""Tables over HTTP: upload, choose columns, follow the scoring, read and download the rows, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from harassclf.errors import HarassclfError
from harassclf.labels import CATEGORIES, LABELS
from harassclf.service import schemas
from harassclf.service.file_jobs import FileJobs
from harassclf.service.file_rows import Wanted, read_rows
from harassclf.service.file_store import FileRefusedError, FileStore, Stored, private_folder
from harassclf.service.file_work import RESULT, RESULT_XLSX, input_of

_MAX_ROWS = 200  # of one answer
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": schemas.ErrorOut, "description": "No such table: deleted, expired, never here"},
    409: {"model": schemas.ErrorOut, "description": "Not scored yet"},
    413: {"model": schemas.ErrorOut, "description": "Table over the limit"},
    422: {"model": schemas.ErrorOut, "description": "Not a table that can be read, or no such column"},
}


class FileTooLargeError(HarassclfError):
    """An upload over the limit."""

    code = "file_too_large"
    http_status = 413


class NotScoredError(HarassclfError):
    """The rows of a table that is not scored yet."""

    code = "file_not_scored"
    http_status = 409


class Columns(BaseModel):
    """Which columns to read, as positions from 0."""

    text_column: int = Field(ge=0, description="The column of the message.")
    time_column: int | None = Field(None, ge=0, description="The column of the time, for counts by hour.")


class FileStatus(BaseModel):
    """What is known of an uploaded table."""

    id: str
    name: str
    state: Literal["uploaded", "queued", "running", "done", "failed"]
    expires: str = Field(description="When it is deleted, ISO 8601 in UTC.")
    columns: list[str]
    preview: list[list[str]] = Field(description="The first rows, long cells cut.")
    suggested: dict[str, int | None] = Field(description="text_column and time_column by name and content.")
    text_column: int | None
    time_column: int | None
    rows: int | None = Field(description="Rows scored so far.")
    share: float | None = Field(description="Share of the work done, 0 to 1.")
    summary: dict[str, Any] | None = Field(description="Counts of labels, categories, errors, review and hours.")
    error: schemas.ErrorDetail | None


class RowOut(BaseModel):
    """One row of a scored table."""

    number: int
    cells: list[str]
    label: str
    probability: float | None
    categories: list[str]
    needs_review: bool
    evidence: str
    error: str


class RowsOut(BaseModel):
    """One page of the rows that were asked for."""

    columns: list[str]
    total: int
    offset: int
    rows: list[RowOut]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = app.state.settings
    with ExitStack() as stack:
        root = settings.files_root or stack.enter_context(private_folder())
        app.state.files = FileJobs(FileStore(root, settings.max_files, 60 * settings.file_minutes), settings.model)
        try:
            yield
        finally:
            await app.state.files.close()


router = APIRouter(prefix="/v1/files", tags=["files"], lifespan=_lifespan, responses=_ERRORS)


def _jobs(request: Request) -> FileJobs:
    jobs: FileJobs = request.app.state.files
    return jobs


@router.post("", status_code=201, response_model=FileStatus, openapi_extra=_BODY)
async def upload(
    request: Request,
    x_filename: Annotated[str, Header(description="The file's name, percent-encoded; its ending says what it is.")],
) -> dict[str, Any]:
    """Upload a CSV or XLSX table as the body. It stays in a private folder of this server until it is deleted."""
    jobs = _jobs(request)
    stored = jobs.store.create(unquote(x_filename))
    try:
        await _receive(request, stored)
        await jobs.inspect(stored)
    except BaseException:  # whoever hangs up leaves nothing behind
        await jobs.discard(stored)
        raise
    return jobs.status(stored)


async def _receive(request: Request, stored: Stored) -> None:
    limit, size = request.app.state.settings.max_upload, 0
    with (stored.folder / f"input{Path(stored.name).suffix.lower()}").open("wb") as file:
        async for chunk in request.stream():  # service.limits answers one that stalls
            size += len(chunk)
            if size > limit:
                raise FileTooLargeError(
                    f"the file is over the limit of {limit:,} bytes; split it or use harassclf score"
                )
            file.write(chunk)
    if not size:
        raise FileRefusedError("the file is empty, expected a header and rows")


@router.post("/{file_id}/score", status_code=202, response_model=FileStatus)
async def score(request: Request, file_id: str, body: Columns) -> dict[str, Any]:
    """Start scoring; ask for the status to follow it."""
    jobs = _jobs(request)
    stored = jobs.store.get(file_id)
    jobs.start(stored, body.text_column, body.time_column)
    return jobs.status(stored)


@router.get("/{file_id}", response_model=FileStatus)
async def status(request: Request, file_id: str) -> dict[str, Any]:
    """How far it is; the summary when it is done."""
    jobs = _jobs(request)
    return jobs.status(jobs.store.get(file_id))


@router.get("/{file_id}/rows", response_model=RowsOut)
async def rows(
    request: Request,
    file_id: str,
    label: Literal["", *LABELS] = "",  # type: ignore[valid-type]
    category: Literal["", *CATEGORIES] = "",  # type: ignore[valid-type]
    review: bool | None = None,
    q: Annotated[str, Query(max_length=200, description="Words to find in any cell, upper and lower case alike.")] = "",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MAX_ROWS)] = 50,
) -> dict[str, Any]:
    """Rows of a scored table, in its order."""
    jobs = _jobs(request)
    wanted = Wanted(label, category, review, q, offset, limit)
    return await to_thread.run_sync(read_rows, _result(jobs, file_id, RESULT), wanted, limiter=jobs.reading)


@router.get("/{file_id}/result", response_class=FileResponse)
async def result(request: Request, file_id: str, format: Literal["csv", "xlsx"] = "csv") -> FileResponse:
    """The scored table: CSV that Excel opens, or XLSX where an XLSX was uploaded."""
    jobs = _jobs(request)
    path = _result(jobs, file_id, RESULT_XLSX if format == "xlsx" else RESULT)
    stem = jobs.store.get(file_id).name.rpartition(".")[0] or "table"
    name = quote(f"{stem}-harassclf.{format}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return FileResponse(path, headers=headers, media_type=_MEDIA[format])


_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _result(jobs: FileJobs, file_id: str, name: str) -> Path:
    stored = jobs.store.get(file_id)
    if jobs.status(stored)["state"] != "done":
        raise NotScoredError("the table is not scored yet; ask for its status first")
    if name == RESULT_XLSX and input_of(stored.folder).suffix != ".xlsx":
        raise FileRefusedError("the table was no XLSX; download it as CSV, which Excel opens")
    return stored.folder / name


@router.delete("/{file_id}", status_code=204)
async def delete(request: Request, file_id: str) -> Response:
    """Stop what runs and delete the table with all that was made of it."""
    await _jobs(request).remove(file_id)
    return Response(status_code=204)
