"""Runs one step of one problem in a process of its own, with a limit on its time and on its memory, and keeps one line
of JSON for each problem, so that a run that was ended goes on where it was."""

from __future__ import annotations

import functools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
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
    return named(row, problem, began)


def forked(step: str, problem: Problem, options: dict[str, Any], seconds: float, gigabytes: float) -> dict[str, Any]:
    """As `run`, in a copy of this process, which holds PyTorch already: that saves seconds for each problem. Not for
    steps that use a GPU, nor from a process that computed anything with several threads."""
    warm()
    began = time.time()
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setsid()
                limited(gigabytes)()
                log = (Path(place) / "log").open("w", buffering=1)
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                sys.stdout = sys.stderr = log
                warnings.filterwarnings("ignore")
                torch_threads(options)
                row = steps()[step](problem, options)
                (Path(place) / "row").write_text(json.dumps(row))
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        try:
            while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.time() - began < seconds:
                time.sleep(0.02)
        except BaseException:
            os.killpg(child, signal.SIGKILL)
            raise
        if ended[0] == 0:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            row = {"status": "time", "reason": f"not done after {seconds:.0f} s"}
        elif (Path(place) / "row").exists():
            row = json.loads((Path(place) / "row").read_text())
        else:
            log = (Path(place) / "log").read_text(errors="replace")
            said = [line for line in log.splitlines() if line.strip()][-1:] or ["it said nothing"]
            row = {"status": "ended", "reason": f"ended with {os.waitstatus_to_exitcode(ended[1])}: {said[0][:300]}"}
    return named(row, problem, began)


def named(row: dict[str, Any], problem: Problem, began: float) -> dict[str, Any]:
    """A row with the problem's name and the seconds that it took."""
    row["problem"] = problem.key
    row.setdefault("title", problem.title)
    row["seconds"] = round(row.get("seconds", time.time() - began), 1)
    return row


def torch_threads(options: dict[str, Any]) -> None:
    """Gives PyTorch the threads that are asked for, or one per core."""
    import torch

    torch.set_num_threads(options.get("threads") or os.cpu_count() or 1)


@functools.cache
def warm() -> None:
    """Loads what exports load, by exporting something."""
    import torch

    torch.set_num_threads(1)
    with torch.no_grad():
        torch.export.export(torch.nn.Identity(), (torch.zeros(1),)).run_decompositions({})


def steps() -> dict[str, Callable[[Problem, dict[str, Any]], dict[str, Any]]]:
    """The steps by name; they load PyTorch."""
    import importing
    import judging
    import measuring

    return {"import": importing.step, "judge": judging.step, "prepare": measuring.prepare, "measure": measuring.step}


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
        row = forked(step, problem, given, seconds, gigabytes)
        lines.add(row)
        print(f"{problem.key} {row['status']} {row['seconds']} s {row.get('reason', '')[:160]}", flush=True)
