"""The container file and the systemd unit, as far as they can be checked without running either."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from harassclf.cli import _parser
from harassclf.settings import Settings


def _instructions(root: Path) -> list[tuple[str, str]]:
    text = (root / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def test_container_file(root: Path) -> None:
    instructions = _instructions(root)
    last_stage = instructions[max(i for i, (name, _) in enumerate(instructions) if name == "FROM") :]
    last = dict(last_stage)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert "/health" in last["HEALTHCHECK"]
    assert json.loads(last["HEALTHCHECK"].partition("CMD ")[2])[0] == "python"
    command = [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"])]
    assert command[0] == "harassclf"
    assert _parser().parse_args(command[1:]).port == int(last["EXPOSE"])
    allowed = {line[1:] for line in (root / ".containerignore").read_text().splitlines() if line.startswith("!")}
    for name, rest in instructions:
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (root / source).exists()
                assert source in allowed


def test_systemd_unit(root: Path, tmp_path: Path) -> None:
    text = (root / "deploy" / "harassclf.service").read_text("utf-8")
    values = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert _parser().parse_args(values["ExecStart"].split()[1:]).host == "127.0.0.1"
    assert int(values["TimeoutStopSec"]) > Settings().shutdown_timeout
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "DynamicUser"):
        assert values[name] == "yes"
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "harassclf.service"
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text))
    result = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


def test_every_variable_named_in_them_is_a_setting(root: Path) -> None:
    known = {field.name.upper() for field in fields(Settings)}
    for path in (root / "Containerfile", root / "deploy" / "harassclf.service"):
        assert set(re.findall(r"HARASSCLF_([A-Z_]+[A-Z])", path.read_text("utf-8"))) <= known
