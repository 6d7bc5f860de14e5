"""Finds the compiled ``kernel.c`` beside this module, if there is one made from the very source that is here.

``hatch_build.py`` compiles it where a C compiler is at hand. Without it, or with ``HARASSCLF_KERNEL=off``, numpy and
dictionaries give the same numbers, five to ten times slower (``benchmarks/README.md``).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.c")
SWITCH = "HARASSCLF_KERNEL"
_P, _N, _I, _U = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_uint32
# name: result, arguments, as declared in kernel.c
_FUNCTIONS = {
    "harassclf_source_hash": (ctypes.c_char_p, ()),
    "harassclf_new": (_P, (_P, _P, _P, _P, _P, _N, _P, _N, _P, _N, _U, _U, _U)),
    "harassclf_free": (None, (_P,)),
    "harassclf_classes": (_N, (_P, _P, _N)),
    "harassclf_terms": (_N, (_P, _I, _P, _N, _P)),
    "harassclf_weights": (_I, (_P, _I, _I, _P, _P, _P, _P)),
    "harassclf_fold": (_N, (_P, _P, _N, _P, _P)),
    "harassclf_score": (_N, (_P, _P, _N, _P, _P, _P)),
    "harassclf_categories": (None, (_P, _P, _P, _P, _N, _P)),
    "harassclf_spans": (_N, (_P, _P, _P, _N, _P, _P, ctypes.c_double, _P, _P)),
}


def library_path() -> Path:
    """Where the compiled kernel lies on this kind of machine."""
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    return SOURCE.with_name(f"_kernel{suffix}")


def source_hash() -> str:
    """SHA-256 of ``kernel.c``, which the compiled kernel says too: one left over from another version is not used."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def load_library() -> ctypes.CDLL | None:
    """The kernel, or ``None`` where there is none for this source and machine or it is switched off."""
    return None if os.environ.get(SWITCH, "").lower() == "off" else _load(library_path())


@cache
def _load(path: Path) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        same = library.harassclf_source_hash() == source_hash().encode()
    except (OSError, AttributeError):
        return None
    return library if same else None


def return_free_memory() -> None:
    """Give freed memory back to the system where the C library has a call for it (glibc): it keeps 53 of 210 MB after a model
    was built, and a table is scored by several processes."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, TypeError, AttributeError):  # another C library
        return
