"""How far a search of 64 trials comes in spaces that nobody cut: long searches of single kernels, and when they had
found what.

    python Benchmarks/long_searches.py HEARTH [--trials 1280] [--budget 300] [--seed 1]

For each kernel a search with an empty archive; from its record the best time so far after 1, 8, 16, 32, 64, … trials
as a part of the best of the whole search, and the trials to 95 % of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

Model = tuple[nn.Module, tuple[torch.Tensor, ...]]

MARKS = (1, 8, 16, 32, 64, 128, 256, 512)


class Attention(nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(q, k, v)


def product() -> Model:
    torch.manual_seed(3)
    return nn.Linear(640, 320, bias=False), (torch.randn(96, 640),)


def row() -> Model:
    torch.manual_seed(3)
    return nn.Linear(2048, 1024, bias=False), (torch.randn(1, 2048),)


def convolution() -> Model:
    torch.manual_seed(3)
    return nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False), (torch.randn(1, 32, 28, 28),)


def attention() -> Model:
    torch.manual_seed(3)
    return Attention(), tuple(torch.randn(1, 4, 128, 64) for _ in range(3))


KERNELS: list[Callable[[], Model]] = [product, row, convolution, attention]


def searched(hearth: str, name: str, options: argparse.Namespace) -> list[tuple[int, float]]:
    """The champions of the kernel's region in a search, as trial and seconds, and last the number of trials with the best time."""
    with tempfile.TemporaryDirectory(prefix="hearth-long-") as folder:
        package = Path(folder) / "kernel.hearth"
        command = [
            hearth, "optimize", f"{Path(__file__).resolve()}:{name}", "-o", str(package), "--archive", f"{folder}/a.sqlite",
            "--trials", str(options.trials), "--patience", str(options.trials),
            "--budget", str(options.budget), "--seed", str(options.seed), "--plain", "--only", "region.0",
        ]  # fmt: skip
        environment = {"HEARTH_PYTHON": sys.executable, **os.environ}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        events = [json.loads(line) for line in (package / "search.jsonl").read_text().splitlines()]
    trials = 0
    wins: list[tuple[int, float]] = []
    for event in events:
        if event.get("region") != "region.0":
            continue
        # A win follows its trial.
        trials += event["event"] == "trial"
        if event["event"] == "win":
            wins.append((trials, event["seconds"]))
    return [*wins, (trials, min(seconds for _, seconds in wins))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Long searches of single kernels.")
    parser.add_argument("hearth")
    parser.add_argument("--trials", type=int, default=1280)
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("| kernel | trials | default, µs | best, µs | 95 % at trial | " + " | ".join(map(str, MARKS)) + " |")
    print("|---" * (5 + len(MARKS)) + "|")
    for make in KERNELS:
        curve = searched(options.hearth, make.__name__, options)
        trials, best = curve[-1]
        reached = next(trial for trial, seconds in curve if best / seconds >= 0.95)
        parts = [
            best / min(seconds for trial, seconds in curve[:-1] if trial <= max(mark, curve[0][0])) for mark in MARKS
        ]
        row = [make.__name__, trials, f"{curve[0][1] * 1e6:.1f}", f"{best * 1e6:.1f}", reached]
        print("| " + " | ".join(map(str, [*row, *(f"{part:.3f}" for part in parts)])) + " |", flush=True)


if __name__ == "__main__":
    main()
