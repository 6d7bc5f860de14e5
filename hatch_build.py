"""Compiles ``src/harassclf/kernel.c`` while the package is built, where there is a C compiler; without one the package is
the same, only slower. ``CC`` names another compiler."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("src") / "harassclf"
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def compile_kernel(root: Path) -> Path | None:
    """The compiled kernel, or ``None`` without a compiler that can make it; an old one is removed first."""
    source, target = root / PACKAGE / "kernel.c", root / PACKAGE / f"_kernel{SUFFIX}"
    target.unlink(missing_ok=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not compiler or not shutil.which(compiler[0]):
        return None
    made = target.with_name(f"_kernel.{os.getpid()}{SUFFIX}")
    hashed = hashlib.sha256(source.read_bytes()).hexdigest()
    options = ["-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", f'-DSOURCE_HASH="{hashed}"']
    try:
        subprocess.run([*compiler, *options, "-o", str(made), str(source), "-lm"], check=True, capture_output=True)
        made.replace(target)
    except (OSError, subprocess.CalledProcessError):
        made.unlink(missing_ok=True)
        return None
    return target


class KernelHook(BuildHookInterface[Any]):
    """Hatchling calls this for wheels and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        kernel = compile_kernel(Path(self.root)) if self.target_name == "wheel" else None
        if kernel is None:
            return
        build_data["artifacts"].append(str(kernel.relative_to(self.root)))
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"], build_data["tag"] = False, f"py3-none-{platform}"
