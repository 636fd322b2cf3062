"""Runs one step of one problem in a process of its own, with a limit on its time and on its memory, and keeps one line
of JSON for each problem, so that a run that was ended goes on where it was."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from problems import Problem

HERE = Path(__file__).resolve().parent


class Lines:
    """Results by problem, in a file of one line each; the last line of a problem counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self.rows[row["problem"]] = row

    def add(self, row: dict[str, Any]) -> None:
        self.rows[row["problem"]] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def limited(gigabytes: float) -> Callable[[], None]:
    """What a child does before it begins: its private memory is bounded."""

    def limit() -> None:
        if gigabytes:
            resource.setrlimit(resource.RLIMIT_DATA, (int(gigabytes * 1e9), int(gigabytes * 1e9)))

    return limit


def run(step: str, problem: Problem, options: dict[str, Any], seconds: float, gigabytes: float) -> dict[str, Any]:
    """One step in a child. What the child could not say itself is `ended` (a signal, an exit code) or `time`."""
    command = [sys.executable, str(HERE / "__main__.py"), "one", step, str(problem.path), json.dumps(options)]
    began = time.time()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=limited(gigabytes),
    )  # fmt: skip
    try:
        output, complaints = child.communicate(timeout=seconds)
    except BaseException as error:
        # The child's own children are of its process group.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        row = {"status": "time", "reason": f"not done after {seconds:.0f} s"}
    else:
        last = output.strip().splitlines()[-1:] or [""]
        try:
            row = json.loads(last[0])
        except ValueError:
            said = [line for line in complaints.splitlines() if line.strip()][-1:] or ["it said nothing"]
            row = {"status": "ended", "reason": f"ended with {child.returncode}: {said[0][:300]}"}
    row["problem"] = problem.key
    row.setdefault("title", problem.title)
    row.setdefault("seconds", time.time() - began)
    row["seconds"] = round(row["seconds"], 1)
    return row


def over(
    step: str, problems: Iterable[Problem], lines: Lines, options: Callable[[Problem], dict[str, Any] | None],
    seconds: float, gigabytes: float, again: list[str],
) -> None:  # fmt: skip
    """The step for all problems that have no line yet, or one with a status of `again`; `options` may leave one out."""
    for problem in problems:
        known = lines.rows.get(problem.key)
        given = options(problem)
        if given is None or known is not None and known["status"] not in again:
            continue
        row = run(step, problem, given, seconds, gigabytes)
        lines.add(row)
        print(f"{problem.key} {row['status']} {row['seconds']} s {row.get('reason', '')[:160]}", flush=True)
