"""libhearth through ctypes: finds and opens the shared library, and says what its C interface (`hearth.h`) takes and
gives."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

ABI_VERSION = 1

# Result codes.
BAD_INPUT, UNAVAILABLE, FAILED = 1, 2, 3
# Flags.
UNVERIFIED = 1
ON_DEVICE, IN_STREAM, NO_WAIT, READ_ONLY = 1, 2, 4, 8

# Element types by their numbers; the names are PyTorch's and NumPy's.
ELEMENTS = {
    1: "float64",
    2: "float32",
    3: "float16",
    4: "bfloat16",
    5: "int64",
    6: "int32",
    7: "int16",
    8: "int8",
    9: "uint8",
    10: "bool",
    11: "float8_e4m3fn",
    12: "float8_e5m2",
}
CODES = {name: code for code, name in ELEMENTS.items()}


class HearthError(Exception):
    """What the runtime could not do: one line that says what, where, and what to do."""


class InputError(HearthError, ValueError):
    """The caller's: a path, a package, a shape, an element type, memory."""


class DeviceUnavailable(HearthError, RuntimeError):
    """The device is missing, full, held by another process, or was lost."""


class RunFailed(HearthError, RuntimeError):
    """The device or generated code failed."""


ERRORS = {BAD_INPUT: InputError, UNAVAILABLE: DeviceUnavailable, FAILED: RunFailed}


class Description(Structure):
    """HearthDescription."""

    _fields_ = [
        ("name", c_char_p),
        ("device", c_char_p),
        ("device_model", c_char_p),
        ("in_host_memory", c_int32),
        ("is_tuned", c_int32),
        ("inputs", c_int32),
        ("outputs", c_int32),
        ("symbols", c_int32),
        ("has_state", c_int32),
        ("draws", c_int32),
    ]


class PortStruct(Structure):
    """HearthPort."""

    _fields_ = [
        ("name", c_char_p),
        ("type", c_int32),
        ("rank", c_int32),
        ("extents", POINTER(c_int64)),
        ("expressions", POINTER(c_char_p)),
        ("value_symbol", c_int32),
    ]


class SymbolStruct(Structure):
    """HearthSymbol."""

    _fields_ = [("name", c_char_p), ("minimum", c_int64), ("maximum", c_int64), ("typical", c_int64)]


class TensorStruct(Structure):
    """HearthTensor."""

    _fields_ = [
        ("type", c_int32),
        ("rank", c_int32),
        ("extents", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("value", c_int64),
    ]


class Telemetry(Structure):
    """HearthTelemetry."""

    _fields_ = [
        ("watts", c_double),
        ("joules", c_double),
        ("temperature", c_double),
        ("free_bytes", c_int64),
        ("clock_mhz", c_int64),
        ("memory_clock_mhz", c_int64),
    ]


SIGNATURES = {
    "hearth_abi_version": (c_uint32, ()),
    "hearth_error": (c_char_p, ()),
    "hearth_open": (c_int, (c_char_p, c_char_p, c_int32, c_uint32, POINTER(c_void_p))),
    "hearth_close": (None, (c_void_p,)),
    "hearth_describe": (c_int, (c_void_p, POINTER(Description))),
    "hearth_input": (c_int, (c_void_p, c_int32, POINTER(PortStruct))),
    "hearth_output": (c_int, (c_void_p, c_int32, POINTER(PortStruct))),
    "hearth_symbol": (c_int, (c_void_p, c_int32, POINTER(SymbolStruct))),
    "hearth_telemetry": (c_int, (c_void_p, POINTER(Telemetry))),
    "hearth_session_open": (c_int, (c_void_p, POINTER(c_void_p))),
    "hearth_session_close": (None, (c_void_p,)),
    "hearth_session_bind": (c_int, (c_void_p, POINTER(TensorStruct), c_int32, POINTER(TensorStruct))),
    "hearth_session_run": (c_int, (c_void_p, c_void_p, c_void_p, c_uint32, c_void_p)),
    "hearth_session_results": (c_int, (c_void_p, c_uint32, POINTER(c_void_p))),
    "hearth_session_import": (c_int, (c_void_p, c_void_p, c_size_t, c_uint32, POINTER(c_int32))),
    "hearth_session_end_import": (c_int, (c_void_p, c_void_p)),
    "hearth_session_traffic": (c_int, (c_void_p, POINTER(c_uint64), POINTER(c_uint64))),
    "hearth_session_wait": (c_int, (c_void_p,)),
    "hearth_session_reset": (c_int, (c_void_p,)),
    "hearth_session_seed": (c_int, (c_void_p, c_int64)),
    "hearth_session_state": (c_int, (c_void_p, c_char_p, c_void_p, c_size_t)),
    "hearth_session_time": (c_int, (c_void_p, c_void_p, c_void_p, c_uint32, c_int32, c_int32, c_void_p)),
}

# `open` is the class's own function.
NAMES = {"hearth_open": "open_package", "hearth_error": "last_error"}


def candidates() -> Iterator[Path]:
    """Where the library may be: HEARTH_LIBRARY alone where it is set, else beside this file, else in a checkout's
    build."""
    named = os.environ.get("HEARTH_LIBRARY")
    if named:
        yield Path(named)
        return
    here = Path(__file__).resolve().parent
    yield here / "libhearth.so"
    root = here.parent.parent
    for folder in (root / ".build" / "release", root / ".build" / "debug"):
        yield folder / "libHearthC.so"


class Library:
    """The opened library. Its functions are attributes; `check` raises what their results mean."""

    _opened: dict[str, Library] = {}

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)  # The functions are set by `__init__`; this tells type checkers that there are some.

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            library = ctypes.CDLL(path)
            for name, (result, arguments) in SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, NAMES.get(name, name.removeprefix("hearth_")), function)
        except (OSError, AttributeError) as error:
            raise HearthError(f"'{path}' is no library of Hearth: {error}") from None
        version = library.hearth_abi_version()
        if version != ABI_VERSION:
            raise HearthError(f"'{path}' has version {version} of the interface, this package takes {ABI_VERSION}")

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Library:
        """The library at `path`, else where it is usually found; opened once in a process. Throws `HearthError`."""
        places = [Path(path)] if path is not None else list(candidates())
        found = next((str(place) for place in places if place.is_file()), None)
        if found is None:
            tried = ", ".join(map(str, places))
            raise HearthError(
                f"libhearth.so was not found ({tried}); build it (swift build -c release --product HearthC) "
                "or set HEARTH_LIBRARY"
            )
        if found not in cls._opened:
            cls._opened[found] = cls(found)
        return cls._opened[found]

    def check(self, code: int) -> None:
        """Raises the error of this thread when `code` says that there is one."""
        if code:
            text = self.last_error().decode(errors="replace")
            raise ERRORS.get(code, HearthError)(text)
