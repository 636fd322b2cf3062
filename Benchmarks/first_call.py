"""Times the first call of a compiled model: `backend="hearth"` beside PyTorch's own backends, and calls after it.

    python Benchmarks/first_call.py [FILE.py:FUNCTION …] [--rounds N] [--backends NAME …]

Every call is made in a process of its own with empty caches (PyTorch's, the C compiler's, no archive), backends in turn. The clock begins
before `torch.compile` and ends with the first result; starting Python, importing torch and making the model are not counted. The search in
the background is off: it begins after the first call. Wants the command and the library where `hearth` finds them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = Path(__file__).resolve().parent / "models"
sys.path[:0] = [str(MODELS.parent.parent / "python"), str(MODELS)]


def once(spec: str, backend: str) -> dict[str, float]:
    """In this process: seconds of the first call and of the median of later ones."""
    import torch
    from hearth.loading import load_function

    source = load_function(str(MODELS / spec))
    module = source.module.eval()
    options = {"search": "off"} if backend == "hearth" else None
    with torch.no_grad():
        start = time.perf_counter()
        fast = torch.compile(module, backend=backend, options=options)
        fast(*source.args, **source.kwargs)
        first = time.perf_counter() - start
        later = []
        for _ in range(20):
            start = time.perf_counter()
            fast(*source.args, **source.kwargs)
            later.append(time.perf_counter() - start)
    return {"first": first, "later": statistics.median(later)}


def measured(spec: str, backend: str) -> dict[str, float]:
    """`once` in a new process with empty caches."""
    with tempfile.TemporaryDirectory(prefix="hearth-first-") as folder:
        environment = {
            **os.environ, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor", "HEARTH_ARCHIVE": f"{folder}/archive.sqlite",
            "CCACHE_DISABLE": "1", "TMPDIR": folder,
        }  # fmt: skip
        command = [sys.executable, __file__, spec, "--once", backend]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{spec} with {backend}: {done.stderr.strip().splitlines()[-1]}")
        result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return result


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=["convolutional.py:resnet18"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backends", nargs="*", default=["hearth", "inductor"])
    parser.add_argument("--once", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(json.dumps(once(given.models[0], given.once)))
        return
    print("| model | backend | first call, s: median (least to most) | later calls, ms |\n|---|---|---|---|")
    for spec in given.models:
        found: dict[str, list[dict[str, float]]] = {backend: [] for backend in given.backends}
        for _ in range(given.rounds):
            for backend in given.backends:
                found[backend].append(measured(spec, backend))
        for backend, runs in found.items():
            first = [run["first"] for run in runs]
            later = statistics.median(run["later"] for run in runs)
            spread = f"{statistics.median(first):.1f} ({min(first):.1f} to {max(first):.1f})"
            print(f"| {spec} | {backend} | {spread} | {1000 * later:.2f} |", flush=True)


if __name__ == "__main__":
    main()
