"""Compiles kernels written in Triton to cubins, ahead of time: needs neither a GPU nor PyTorch. `hearth optimize` drives
such processes with frames over stdin and stdout. A frame is a 32-bit little-endian length and that many bytes of JSON, one
reply for each request, in order:

    {"do": "hello"}                                   -> {"ok": true, "version": "3.6.0"}
    {"do": "compile", "text": T, "symbol": S, "arguments": [[NAME, TYPE, ALIGNED]...], "warps": W, "stages": N,
     "capability": 90}                                -> {"ok": true, "bytes": B, "shared": M, "name": S, "threads": H,
                                                          "scratch": 0}, then the B bytes of the cubin
    {"do": "quit"}                                    -> nothing

or `{"ok": false, "code": "missing" | "bad-request" | "failed", "error": ONE LINE}`. `shared` is the dynamic shared memory that
a launch asks for, `threads` those of a block, `scratch` the bytes of the two scratch buffers that a launch would have to give.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import struct
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

MAXIMUM_FRAME = 1 << 26
OLDEST = (3, 3)


class Refusal(Exception):
    """A request that ends in an error reply: a code of a closed list, and one line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def folder() -> Path:
    """A folder of this process for texts and for what Triton caches; those of processes that were killed are removed."""
    root = Path(tempfile.gettempdir())
    prefix = f"hearth-triton-{os.getuid()}-"
    for old in root.glob(prefix + "*"):
        number = old.name.removeprefix(prefix)
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(old, ignore_errors=True)
    path = root / f"{prefix}{os.getpid()}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    return path


def one_line(error: BaseException) -> str:
    """What an error says, without the listings that Triton and ptxas put around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\berror\b|Error\b", line) and "Internal Triton" not in line]
    return f"{type(error).__name__}: {(telling or lines or ['no reason given'])[0][:400]}"


class Compiler:
    """Triton, and the folder that it works in."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.count = 0
        self.triton: ModuleType | None = None

    def load(self) -> ModuleType:
        """Imports Triton; throws `Refusal` where it is missing or too old."""
        if self.triton is None:
            os.environ["TRITON_CACHE_DIR"] = str(self.where / "cache")
            # Lines of temporary files say nothing to anybody, and would make equal kernels differ.
            os.environ["TRITON_DISABLE_LINE_INFO"] = "1"
            try:
                import triton
            except Exception as error:  # a broken installation is as good as none
                raise Refusal("missing", one_line(error)) from error
            if tuple(int(part) for part in triton.__version__.split(".")[:2]) < OLDEST:
                raise Refusal("missing", f"Triton {triton.__version__} is too old: 3.3 or later")
            self.triton = triton
        return self.triton

    def compile(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Compiles one kernel; its reply and its cubin."""
        triton = self.load()
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource

        try:
            text, symbol = str(request["text"]), str(request["symbol"])
            arguments = [(str(name), str(kind), bool(aligned)) for name, kind, aligned in request["arguments"]]
            options = {
                "num_warps": int(request["warps"]),
                "num_stages": int(request["stages"]),
                # Products and sums are rounded one by one, as PyTorch does.
                "enable_fp_fusion": False,
            }
            capability = int(request["capability"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal("bad-request", one_line(error)) from error
        self.count += 1
        path = self.where / f"kernel_{self.count}.py"
        path.write_text(text)
        try:
            module = load_module(path)
            source = ASTSource(
                fn=getattr(module, symbol),
                signature={name: kind for name, kind, _ in arguments},
                constexprs={},
                attrs={(i,): [["tt.divisibility", 16]] for i, (_, _, aligned) in enumerate(arguments) if aligned},
            )
            compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
            found = compiled.metadata
            cubin = compiled.asm["cubin"]
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise Refusal("failed", one_line(error)) from error
        finally:
            path.unlink()
            shutil.rmtree(self.where / "cache", ignore_errors=True)
        scratch = getattr(found, "global_scratch_size", 0) + getattr(found, "profile_scratch_size", 0)
        reply = {
            "ok": True,
            "bytes": len(cubin),
            "shared": found.shared,
            "name": found.name,
            "threads": found.num_warps * found.warp_size * found.num_ctas,
            "scratch": scratch,
        }
        return reply, cubin


def load_module(path: Path) -> ModuleType:
    """Runs a text as a module; Triton reads the functions' lines from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The next request; None at the end of the input."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (size,) = struct.unpack("<I", head)
    if not 0 < size <= MAXIMUM_FRAME:
        return None
    body = stream.read(size)
    if len(body) < size:
        return None
    request = json.loads(body)
    if not isinstance(request, dict):
        raise Refusal("bad-request", "a request is an object")
    return request


def serve(source: BinaryIO, sink: BinaryIO, compiler: Compiler) -> None:
    """Answers requests until there are none."""

    def reply(value: dict[str, Any], rest: bytes = b"") -> None:
        body = json.dumps(value).encode()
        sink.write(struct.pack("<I", len(body)) + body + rest)
        sink.flush()

    while True:
        try:
            request = read_frame(source)
            if request is None or request.get("do") == "quit":
                return
            if request.get("do") == "hello":
                reply({"ok": True, "version": compiler.load().__version__})
            elif request.get("do") == "compile":
                reply(*compiler.compile(request))
            else:
                raise Refusal("bad-request", f"no request {request.get('do')!r}")
        except json.JSONDecodeError as error:
            reply({"ok": False, "code": "bad-request", "error": one_line(error)})
        except Refusal as refusal:
            reply({"ok": False, "code": refusal.code, "error": str(refusal)})


def main() -> None:
    # What the parent had open when it started this process is not for us: others wait for its end.
    os.closerange(3, 65536)
    # What Triton and ptxas print must not get among the frames.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    where = folder()
    try:
        serve(sys.stdin.buffer, sink, Compiler(where))
    finally:
        shutil.rmtree(where, ignore_errors=True)


if __name__ == "__main__":
    main()
