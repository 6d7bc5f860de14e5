"""The evidence package: the original untouched, report, table, drafts, hashes; a folder, and a zip of the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harassclf.errors import OutputError
from harassclf.timeline.printing import print_pdf
from harassclf.timeline.report import Made, complaint_drafts, readme, report_html, table_csv, timeline_json
from harassclf.timeline.thread import Timeline
from harassclf.timeline.times import load_zone

REPORT, PDF, TABLE, DATA, README, SUMS = "报告.html", "报告.pdf", "明细表.csv", "时间线.json", "说明.txt", "SHA256SUMS"
ORIGINALS, DRAFTS = "原始记录", "投诉草稿"
_NO_PDF_ASKED = "没有要求生成；请用浏览器打开 报告.html，选择“打印”→“另存为 PDF”"
_FIRST_ZIP_YEAR = 1980


def package_files(
    timeline: Timeline, original: bytes, name: str, *, masked: bool, at: datetime, pdf: bool
) -> tuple[dict[str, bytes], str]:
    """All files of a package by their path, and why there is no PDF (empty when there is one).

    The same input and ``at`` give the same bytes; only the browser that prints may differ.
    """
    at = at.astimezone(load_zone(timeline.timezone))
    made = Made(_safe_name(name), sha256(original), at, masked, timeline.names)
    html = report_html(timeline, made)
    printed, reason = print_pdf(html, at) if pdf else (None, _NO_PDF_ASKED)
    files = {
        README: readme(made, pdf=printed is not None, pdf_note=reason).encode("utf-8-sig"),
        REPORT: html.encode(),
        TABLE: table_csv(timeline, made).encode("utf-8-sig"),
        DATA: timeline_json(timeline, made).encode(),
        f"{ORIGINALS}/{made.source}": original,
    }
    files |= {f"{DRAFTS}/{draft}": text.encode("utf-8-sig") for draft, text in complaint_drafts(timeline, made)}
    if printed is not None:
        files[PDF] = printed
    return files | {SUMS: _sums(files)}, reason


def made_at(environment: Mapping[str, str]) -> datetime:
    """Now, or what ``SOURCE_DATE_EPOCH`` says, so that a package can be made again byte for byte."""
    fixed = environment.get("SOURCE_DATE_EPOCH", "")
    if re.fullmatch(r"\d{1,10}", fixed):
        return datetime.fromtimestamp(int(fixed), UTC)
    return datetime.now(UTC).replace(microsecond=0)


def sha256(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def zip_bytes(files: Mapping[str, bytes], folder: str, at: datetime) -> bytes:
    """A zip with everything under ``folder``; entries sorted, dated ``at``."""
    target = io.BytesIO()
    date = max(at.timetuple()[:6], (_FIRST_ZIP_YEAR, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{path}", date)
            entry.external_attr, entry.compress_type = 0o600 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    return target.getvalue()


def check_target(folder: Path, source: Path | None, *, force: bool, zipped: bool) -> None:
    """Raise :class:`~harassclf.errors.OutputError` when ``folder`` (or its zip) must not be written: it exists without
    ``force``, is or holds the input, or is a folder that is no evidence package."""
    if source is not None and source.exists():
        own, wanted = source.resolve(), folder.resolve()
        if wanted == own or wanted in own.parents:
            raise OutputError(f"{folder}: is or holds the input; choose another output")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file, expected the name of a new folder")
    if folder.exists() and not force:
        raise OutputError(f"{folder}: exists already; choose another name or replace it with --force")
    if folder.exists() and any(folder.iterdir()) and not (folder / SUMS).is_file():
        raise OutputError(f"{folder}: is not an evidence package and is not replaced; choose another name")
    if zipped and zip_path(folder).exists() and not (force and zip_path(folder).is_file()):
        raise OutputError(f"{zip_path(folder)}: exists already; choose another name or replace it with --force")
    if not folder.parent.is_dir():
        raise OutputError(f"{folder.parent}: no such directory")
    if not os.access(folder.parent, os.W_OK):
        raise OutputError(f"{folder.parent}: cannot be written to")


def zip_path(folder: Path) -> Path:
    """Where the zip of a folder stands: beside it."""
    return folder.with_name(folder.name + ".zip")


def write_package(files: Mapping[str, bytes], folder: Path, at: datetime, *, zipped: bool) -> None:
    """Write all or nothing: files appear under ``folder`` in one step, and an older package goes only then."""
    staging = Path(tempfile.mkdtemp(prefix=".harassclf-", dir=folder.parent))
    try:
        for path, content in files.items():
            target = staging / "new" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if zipped:
            (staging / "zip").write_bytes(zip_bytes(files, folder.name, at))
        if folder.exists():
            folder.replace(staging / "old")
        _appear(staging, folder, zipped=zipped)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _appear(staging: Path, folder: Path, *, zipped: bool) -> None:
    try:
        (staging / "new").replace(folder)
        if zipped:
            (staging / "zip").replace(zip_path(folder))
    except BaseException:
        if folder.exists():
            folder.replace(staging / "new")
        if (staging / "old").exists():
            (staging / "old").replace(folder)
        raise


def _sums(files: Mapping[str, bytes]) -> bytes:
    """In the format of ``sha256sum``."""
    return "".join(f"{sha256(files[path])}  {path}\n" for path in sorted(files)).encode()


def _safe_name(name: str) -> str:
    """A file name without a path, controls or what Windows refuses; never empty, at most 80 characters."""
    cleaned = re.sub(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"/\\|?*\u202a-\u202e\u2066-\u2069]', "_", name).strip(" .")
    return cleaned[-80:] or "original"
