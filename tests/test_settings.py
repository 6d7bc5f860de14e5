"""Settings: every one from the environment, unusable values in one line that names the variable."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harassclf.errors import SettingsError
from harassclf.settings import Settings, from_environment


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


def test_the_readme_names_every_setting_with_its_default(root: Path) -> None:
    readme = (root / "README.md").read_text("utf-8")
    for field in fields(Settings):
        row = re.search(rf"^\| `{field.name.upper()}` \| ([^|]*) \|", readme, re.MULTILINE)
        assert row, field.name
        default: Any = field.default
        if type(default) is int:
            assert row.group(1).replace(",", "").strip() == str(default), field.name
