"""Drives baseline processes from Python: the peers benchmark and the tests. `hearth bench` speaks the same protocol."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from hearth.baseline import environment


class BaselineError(Exception):
    """An error reply, or a process that ended: code and one line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Baseline:
    """One baseline process."""

    def __init__(self, mode: str, threads: int = 2, log: Path | None = None, python: str = sys.executable) -> None:
        import os

        self.mode, self.threads = mode, threads
        self.log = log.open("ab") if log else None
        script = Path(__file__).resolve().parent / "baseline.py"
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log or subprocess.DEVNULL,
            env={**os.environ, **environment(mode, threads)},
        )

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Sends one request and returns its reply; throws `BaselineError`."""
        body = json.dumps({"do": do, **fields}).encode()
        return self.exchange(struct.pack("<I", len(body)) + body)

    def exchange(self, frame: bytes) -> dict[str, Any]:
        """Sends bytes and returns the next reply; throws `BaselineError`."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(frame)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise BaselineError("ended", f"baseline ended with {self.process.wait()}") from None
        head = self.process.stdout.read(4)
        body = self.process.stdout.read(struct.unpack("<I", head)[0]) if len(head) == 4 else b""
        if not body:
            raise BaselineError("ended", f"baseline ended with {self.process.wait()}")
        reply: dict[str, Any] = json.loads(body)
        if not reply["ok"]:
            raise BaselineError(reply["code"], reply["error"])
        return reply

    def load(self, model: str, dtype: str = "") -> dict[str, Any]:
        """Loads a model in this process's mode."""
        return self.ask("load", model=model, mode=self.mode, threads=self.threads, dtype=dtype)

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        if self.log:
            self.log.close()

    def __enter__(self) -> Baseline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
