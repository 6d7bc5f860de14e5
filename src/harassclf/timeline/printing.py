"""The report as PDF, printed by a Chromium that is installed; it sets Chinese type better than PDF libraries do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 120
NO_BROWSER = "没有找到 Chromium、Chrome 或 Edge；请用浏览器打开 报告.html，选择“打印”→“另存为 PDF”"
FAILED = "浏览器打印失败；请用浏览器打开 报告.html，选择“打印”→“另存为 PDF”"


def find_browser() -> str | None:
    """The path of a browser that can print, or ``None``."""
    return next((found for name in _BROWSERS if (found := shutil.which(name))), None)


def print_pdf(html: str, at: datetime) -> tuple[bytes | None, str]:
    """``html`` as PDF bytes dated ``at``; or ``None`` and why not, in Chinese.

    The browser gets a profile of its own in a folder that only we can read and that is gone afterwards, and no network.
    """
    browser = find_browser()
    if browser is None:
        return None, NO_BROWSER
    with tempfile.TemporaryDirectory(prefix="harassclf-print-", ignore_cleanup_errors=True) as folder:
        page, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(html, "utf-8")
        try:
            subprocess.run(_command(browser, folder, page, target), capture_output=True, timeout=_SECONDS, check=True)
            return _dated(target.read_bytes(), at), ""
        except (OSError, subprocess.SubprocessError):
            return None, FAILED


def _command(browser: str, folder: str, page: Path, target: Path) -> list[str]:
    # Chromium refuses its sandbox to root; the page is ours, without a script, and every message in it is escaped.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", *sandbox,
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", f"--disk-cache-dir={folder}/cache",
        "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri(),
    ]  # fmt: skip


def _dated(pdf: bytes, at: datetime) -> bytes:
    """The browser writes its own clock; the same length of digits keeps all offsets of the file right."""
    stamp = at.strftime("D:%Y%m%d%H%M%S").encode()
    for name in (b"/CreationDate (", b"/ModDate ("):
        start = pdf.find(name)
        if start >= 0:
            start += len(name)
            pdf = pdf[:start] + stamp + pdf[start + len(stamp) :]
    return pdf
