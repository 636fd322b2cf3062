"""Measures problems in shards of a few minutes: what was measured stays as a line of `measure.MODE.jsonl`, and the next
shard goes on from there. Programs are exported (and packages built, where that needs no GPU) while others are measured."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import children
from problems import Problem


def libraries() -> None:
    """Names NVIDIA's libraries of PyTorch's packages for `hearth`, where the loader may not find them."""
    for name, pattern in (("HEARTH_CUBLASLT", "libcublasLt.so.1?"), ("HEARTH_CUDNN", "libcudnn.so.9")):
        found = [path for place in sys.path for path in sorted(Path(place).glob(f"nvidia/*/lib/{pattern}"))]
        if found and name not in os.environ:
            os.environ[name] = str(found[0])
            before = os.environ.get("LD_LIBRARY_PATH")
            os.environ["LD_LIBRARY_PATH"] = ":".join([str(found[0].parent), *([before] if before else [])])


class Shard:
    """One run of the step `measure`."""

    def __init__(self, out: Path, common: dict[str, Any], options: argparse.Namespace) -> None:
        self.lines = children.Lines(out / f"measure.{options.mode}.jsonl")
        self.out, self.options = out, options
        self.ends = time.monotonic() + options.seconds
        build_device = options.build_device or options.device
        self.settings = common | {
            "sizes": {}, "build_device": build_device, "trials": options.trials, "against": options.against,
            "rounds": options.rounds, "time": options.time, "limit": options.limit,
        }  # fmt: skip

    @property
    def left(self) -> float:
        """Seconds of this shard."""
        return self.ends - time.monotonic()

    def work(self, problem: Problem) -> Path:
        return Path(self.settings["work"]) / f"{problem.key}.measure"

    def is_done(self, problem: Problem) -> bool:
        """Whether there is a result that is not to be found again."""
        row = self.lines.rows.get(problem.key)
        return row is not None and row["status"] not in self.options.again

    def child(self, step: str, problem: Problem) -> tuple[dict[str, Any], bool]:
        """A step; and whether it had as long as a problem may take, so that its result stands."""
        seconds = min(self.options.limit, self.left)
        if seconds < 5:
            return {"status": "time", "reason": "the shard ended", "seconds": 0}, False
        settings = self.settings | {"limit": seconds, "sizes": self.sizes(problem)}
        row = children.run(step, problem, settings, seconds, self.options.memory)
        return row, row["status"] != "time" or seconds >= self.options.limit

    def sizes(self, problem: Problem) -> dict[str, int]:
        """The problem's own, or for a rehearsal those that `import` found."""
        if not self.options.small:
            return {}
        lines = children.Lines(self.out / f"import.{self.options.mode}.jsonl")
        return lines.rows.get(problem.key, {}).get("sizes", {})

    def prepared(self, problem: Problem) -> tuple[dict[str, Any], bool]:
        """The export, and the package where no GPU is needed for it; nothing where it is there from an earlier shard."""
        if (self.work(problem) / "package.hearth").is_dir() or (self.work(problem) / "model.pt2").exists():
            return {"status": "exported", "seconds": 0}, True
        return self.child("prepare", problem)

    def keep(self, problem: Problem, row: dict[str, Any]) -> None:
        """Writes a result, and frees what led to it."""
        self.lines.add({**row, "problem": problem.key})
        shutil.rmtree(self.work(problem), ignore_errors=True)
        print(f"{problem.key} {row['status']} {row['seconds']} s {row.get('reason', '')[:160]}", flush=True)

    def measure(self, problem: Problem, found: tuple[dict[str, Any], bool]) -> None:
        """One problem, from its export on."""
        row, stands = found
        if row["status"] in ("exported", "built"):
            before = row
            row, stands = self.child("measure", problem)
            row |= {name: before[name] for name in ("export_seconds", "build_seconds", "notes") if name in before}
        if stands:
            self.keep(problem, row)
        else:
            print(f"{problem.key} is left for another shard", flush=True)

    def run(self, problems: list[Problem]) -> None:
        """As many as the time allows; `ahead` are prepared before their turn."""
        todo = [problem for problem in problems if not self.is_done(problem)]
        ahead = self.options.ahead
        with ThreadPoolExecutor(max(1, ahead)) as pool:
            waiting: dict[str, Future[tuple[dict[str, Any], bool]]] = {}
            for place, problem in enumerate(todo):
                if self.left < 5:
                    break
                for further in todo[place : place + 1 + ahead]:
                    if further.key not in waiting:
                        waiting[further.key] = pool.submit(self.prepared, further)
                self.measure(problem, waiting[problem.key].result())
        left = sum(not self.is_done(problem) for problem in todo)
        print(f"{len(problems) - left} of {len(problems)} are measured")


def shard(problems: list[Problem], out: Path, common: dict[str, Any], options: argparse.Namespace) -> None:
    """Measures problems until the time is over."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(out / "inductor"))
    if options.device != "cpu":
        libraries()
    Shard(out, common, options).run(problems)
