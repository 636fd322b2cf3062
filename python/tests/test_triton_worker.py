"""The process that compiles Triton ahead of time: its frames, and its errors in one line."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).resolve().parent.parent / "hearth" / "triton_worker.py"

KERNEL = """
import triton
import triton.language as tl


@triton.jit
def twice(p0, p1, status):
    at = tl.program_id(0) * 128 + tl.arange(0, 128)
    tl.store(p1 + at, tl.load(p0 + at) * 2.0)
"""


def frame(value: object) -> bytes:
    body = json.dumps(value).encode()
    return struct.pack("<I", len(body)) + body


def talk(requests: bytes, tmp_path: Path, **variables: str) -> tuple[list[dict], list[bytes]]:
    """All replies, and the bytes that follow each."""
    done = subprocess.run(
        [sys.executable, "-u", str(WORKER)],
        input=requests,
        capture_output=True,
        timeout=300,
        env={**os.environ, "TMPDIR": str(tmp_path), **variables},
    )
    assert done.returncode == 0, done.stderr.decode()
    replies, blobs, rest = [], [], done.stdout
    while rest:
        (size,) = struct.unpack("<I", rest[:4])
        replies.append(json.loads(rest[4 : 4 + size]))
        rest = rest[4 + size :]
        count = replies[-1].get("bytes", 0)
        blobs.append(rest[:count])
        rest = rest[count:]
    return replies, blobs


def compile_request(text: str = KERNEL, symbol: str = "twice", **fields: object) -> bytes:
    arguments = [["p0", "*fp32", True], ["p1", "*fp32", True], ["status", "*i32", False]]
    return frame(
        {
            "do": "compile",
            "text": text,
            "symbol": symbol,
            "arguments": arguments,
            "warps": 4,
            "stages": 2,
            "capability": 90,
            **fields,
        }
    )


def test_says_that_triton_is_missing(tmp_path: Path) -> None:
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "triton.py").write_text("raise ImportError('hidden')")
    replies, _ = talk(frame({"do": "hello"}), tmp_path, PYTHONPATH=str(tmp_path / "hide"))
    assert replies == [{"ok": False, "code": "missing", "error": "ImportError: hidden"}]


def test_refuses_what_is_no_request(tmp_path: Path) -> None:
    bad = b"no json"
    replies, _ = talk(
        struct.pack("<I", len(bad)) + bad + frame({"do": "dance"}) + frame([1]) + frame({"do": "quit"}) + frame(1),
        tmp_path,
    )
    assert [reply["code"] for reply in replies] == ["bad-request"] * 3
    assert not list(tmp_path.glob("hearth-triton-*"))


def test_removes_what_killed_processes_left(tmp_path: Path) -> None:
    left = tmp_path / f"hearth-triton-{os.getuid()}-999999999"
    left.mkdir()
    other = tmp_path / "hearth-triton-something"
    other.mkdir()
    talk(b"", tmp_path)
    assert not left.exists() and other.exists()


def test_compiles_without_a_gpu(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    wrong = compile_request(KERNEL.replace("* 2.0", "* nowhere"))
    replies, blobs = talk(
        frame({"do": "hello"}) + compile_request() + wrong + compile_request(symbol="thrice") + compile_request(),
        tmp_path,
    )
    assert replies[0]["ok"] and replies[0]["version"]
    assert replies[1]["name"] == "twice" and replies[1]["threads"] == 128 and replies[1]["scratch"] == 0
    assert blobs[1][:4] == b"\x7fELF" and blobs[1] == blobs[4]
    assert b"twice" in blobs[1] and str(tmp_path).encode() not in blobs[1]
    for reply in replies[2:4]:
        assert reply["code"] == "failed" and "\n" not in reply["error"]
    assert "nowhere" in replies[2]["error"] and "thrice" in replies[3]["error"]


def test_bad_requests_for_a_kernel(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    replies, _ = talk(
        compile_request(warps="many") + compile_request(arguments=[1]) + frame({"do": "compile"}), tmp_path
    )
    assert [reply["code"] for reply in replies] == ["bad-request"] * 3
