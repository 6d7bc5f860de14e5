"""Settings: every one from the environment, unusable values in one line that names the variable."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harassclf.cli import main
from harassclf.errors import SettingsError
from harassclf.service.places import check_places
from harassclf.settings import Settings, check_names, from_environment


def test_nothing_set_gives_the_defaults() -> None:
    assert from_environment({}) == Settings()
    assert from_environment({"HARASSCLF_MAX_BATCH": " ", "HARASSCLF_UNKNOWN": "x", "MAX_BATCH": "1"}) == Settings()


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("MODEL", "models/mine", Path("models/mine")),
        ("MAX_BATCH", "5", 5),
        ("RATE_LIMIT", "0", 0),
        ("API_KEYS", "/etc/harassclf/keys", Path("/etc/harassclf/keys")),
        ("CORS_ORIGINS", "https://a.example, http://localhost:3000", ("https://a.example", "http://localhost:3000")),
        ("ALLOWED_HOSTS", "check.example,*.example", ("check.example", "*.example")),
        ("TRUSTED_PROXIES", "10.0.0.1 10.0.0.2", ("10.0.0.1", "10.0.0.2")),
        ("LOG_LEVEL", "warning", "WARNING"),
        ("LOG_REQUESTS", "off", False),
        ("LOG_ADDRESSES", "True", True),
    ],
)
def test_each_kind_of_value(name: str, raw: str, value: Any) -> None:
    assert getattr(from_environment({f"HARASSCLF_{name}": raw}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("MAX_BATCH", "many"),
        ("MAX_BODY", "0"),
        ("MAX_IN_PROGRESS", "-1"),
        ("RATE_LIMIT", "-1"),
        ("KEEP_ALIVE", "1.5"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_LEVEL", "warn"),
        ("LOG_REQUESTS", "maybe"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("ALLOWED_HOSTS", "https://a.example"),
    ],
)
def test_an_unusable_value_names_its_variable(name: str, raw: str) -> None:
    with pytest.raises(SettingsError, match=f"HARASSCLF_{name}: found .*, expected "):
        from_environment({f"HARASSCLF_{name}": raw})


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("HARASSCLF_API_KEY", "HARASSCLF_API_KEYS"),
        ("HARASSCLF_RATE_LIMITS", "HARASSCLF_RATE_LIMIT"),
        ("harassclf_api_keys", "HARASSCLF_API_KEYS"),
    ],
)
def test_a_misspelt_setting_stops_serve(
    name: str, near: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was once ignored, and the service ran without the keys that its operator believed to be asked for."""
    monkeypatch.setenv(name, "x")
    assert main(["serve", "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line
    assert near in line


def test_variables_of_others_are_known(root: Path) -> None:
    named: set[str] = set()
    for folder, kind in (("src", "*.py"), ("notebooks", "*.ipynb"), ("benchmarks", "*.py"), ("deploy", "*")):
        for path in (root / folder).rglob(kind):
            named |= set(re.findall(r"HARASSCLF_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named >= {"HARASSCLF_KERNEL", "HARASSCLF_NOTEBOOK_MODEL", "HARASSCLF_DATA"}
    check_names(dict.fromkeys(named - {"HARASSCLF_API_KEY"}, "x"))
    check_names({f"HARASSCLF_{field.name.upper()}": "x" for field in fields(Settings)})
    of_kubernetes = ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR")  # beside a service of that name
    check_names({f"HARASSCLF_{name}": "x" for name in (*of_kubernetes, "URL", "QQQQ")})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FILES_ROOT", "none", "is no folder"),
        ("FILES_ROOT", "file", "is no folder"),
        ("FEEDBACK", "folder", "is no file"),
        ("FEEDBACK", "link", "is a link"),
        ("FEEDBACK", "file/feedback.jsonl", "is no folder"),
        ("FEEDBACK", "none/feedback.jsonl", ""),
    ],
)
def test_a_place_that_cannot_be_used_stops_serve(
    name: str,
    value: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Such a place was once found out by the first request, which got 500 or 503, and so did every other."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    monkeypatch.setenv(f"HARASSCLF_{name}", str(tmp_path / value))
    monkeypatch.setenv("HARASSCLF_MODEL", str(tmp_path / "no-model"))  # refused later
    assert main(["serve", "--port", "0"]) == (2 if told else 1)
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert (f"HARASSCLF_{name}: " in line) == bool(told)
    assert not (tmp_path / "none").exists()


def test_a_relative_feedback_file_needs_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_places(Settings(feedback="feedback.jsonl"))
    check_places(Settings(feedback="OFF", files_root=tmp_path))
    with pytest.raises(SettingsError, match="in no folder"):
        check_places(Settings(feedback="none/feedback.jsonl"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_of_somebody_else_stops_serve(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    for chosen in (Settings(feedback=str(tmp_path / "a")), Settings(files_root=tmp_path)):
        with pytest.raises(SettingsError, match="cannot be written"):
            check_places(chosen)
    tmp_path.chmod(0o700)


def test_the_readme_names_every_setting_with_its_default(root: Path) -> None:
    readme = (root / "README.md").read_text("utf-8")
    for field in fields(Settings):
        row = re.search(rf"^\| `{field.name.upper()}` \| ([^|]*) \|", readme, re.MULTILINE)
        assert row, field.name
        default: Any = field.default
        if type(default) is int:
            assert row.group(1).replace(",", "").strip() == str(default), field.name
