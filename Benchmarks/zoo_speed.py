"""Times the zoo beside `torch.compile` in its default mode, with the fallback off: transformers' small configurations, our own models,
torchvision's architectures, the first and the last of timm's list.

    python Benchmarks/zoo_speed.py run OUT.jsonl [--only PREFIX …] [--trials N] [--budget SECONDS] [--limit SECONDS] [--seconds SECONDS]
    python Benchmarks/zoo_speed.py table OUT.jsonl

Each model has a process of its own. Sides take turns in an order that is drawn anew each round; before its turn a side is called once,
after a pause in which threads of the other side stop spinning; then as many calls as take 5 ms are timed. The ratio is the median of the
rounds' ratios. Models that are in OUT.jsonl are not measured again; the order is drawn by a seed, so that a run that is ended early is a
sample. Wants the command and the library where `hearth` finds them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import random
import signal
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE), str(HERE / "models")]

ROUNDS = 21
PAUSE, BATCH = 0.004, 0.005
Call = Callable[[], Any]


def models() -> list[tuple[str, str]]:
    """Name and `FILE.py:FUNCTION` of every model."""
    import zoo
    import zoo_torchvision

    found = zoo.models()
    file = HERE / "models/zoo_torchvision.py"
    for name in zoo_torchvision.architectures():
        # The smallest image that an architecture takes, and what it is used with.
        found += [(f"torchvision.{one}", f"{file}:{one}") for one in (name, f"{name}_px224")]
    try:
        import timm
    except ImportError:
        return found
    names = timm.list_models()
    return found + [(f"timm.{name}", f"timm:{name}") for name in (names[0], names[-1])]


def loaded(function: str) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """A model in eval mode with its inputs."""
    import torch

    if function.startswith("timm:"):
        import timm

        torch.manual_seed(0)
        module = timm.create_model(function.removeprefix("timm:"), pretrained=False).eval()
        return module, (torch.randn(1, *module.default_cfg["input_size"]),), {}
    from hearth.loading import load_function

    source = load_function(function)
    return source.module.eval(), source.args, source.kwargs


def timed(calls: dict[str, Call]) -> dict[str, list[float]]:
    """Milliseconds of a call of each side, by rounds."""
    counts = {}
    for name, call in calls.items():
        for _ in range(3):
            call()
        began = time.perf_counter()
        call()
        counts[name] = max(1, math.ceil(BATCH / max(time.perf_counter() - began, 1e-7)))
    order, times = list(calls), {name: [] for name in calls}
    generator = random.Random(0)
    for _ in range(ROUNDS):
        generator.shuffle(order)
        for name in order:
            time.sleep(PAUSE)
            calls[name]()
            began = time.perf_counter()
            for _ in range(counts[name]):
                calls[name]()
            times[name].append((time.perf_counter() - began) / counts[name] * 1e3)
    return times


def apart(given: Any, expected: Any) -> float:
    """The largest difference as a part of the largest result."""
    import torch
    from torch.utils import _pytree as pytree

    worst = 0.0
    for ours, theirs in zip(pytree.tree_leaves(given), pytree.tree_leaves(expected), strict=True):
        if isinstance(theirs, torch.Tensor) and theirs.numel() and not theirs.is_complex():
            difference = (ours.double() - theirs.double()).abs().max() / (theirs.double().abs().max() + 1e-30)
            worst = max(worst, difference.item())
    return worst


def measured(function: str, options: argparse.Namespace) -> dict[str, Any]:
    """One model: both sides' times, their ratio, and how far results are from PyTorch's."""
    import hearth
    import torch

    warnings.filterwarnings("ignore")
    module, args, kwargs = loaded(function)
    began = time.time()
    fast = hearth.optimize(
        module, args, kwargs, trials=options.trials, budget=options.budget, against=None, fallback=False
    )
    row: dict[str, Any] = {"status": "measured", "build_seconds": round(time.time() - began, 1)}
    row["kept"] = fast.split is not None
    with torch.no_grad():
        row["difference"] = apart(fast(*args, **kwargs), module(*args, **kwargs))
        compiled = torch.compile(module)
        began = time.time()
        compiled(*args, **kwargs)
        row["compile_seconds"] = round(time.time() - began, 1)
        sides = {"hearth": lambda: fast(*args, **kwargs), "compile": lambda: compiled(*args, **kwargs)}
        times = timed(sides | {"eager": lambda: module(*args, **kwargs)})
    for name in ("compile", "eager"):
        row[f"of_{name}"] = statistics.median(b / a for a, b in zip(times["hearth"], times[name], strict=True))
    return row | {name: statistics.median(values) for name, values in times.items()}


def child(function: str, options: argparse.Namespace) -> dict[str, Any]:
    """`measured` in a process that may take `--limit` seconds."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        os.setpgid(0, 0)
        # It ends with its parent (PR_SET_PDEATHSIG).
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            row = measured(function, options)
        except Exception as error:
            row = {"status": "failed", "reason": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        with os.fdopen(writer, "w") as file:
            json.dump(row, file)
        os._exit(0)
    os.close(writer)
    ended = {"status": "ended", "reason": f"no result after {options.limit:.0f} s"}

    def end(*_: object) -> None:
        os.killpg(process, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, options.limit)
    with os.fdopen(reader) as file:
        text = file.read()
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.waitpid(process, 0)
    return json.loads(text) if text else ended


def run(options: argparse.Namespace) -> None:
    """Measures what is not in the file yet."""
    import hearth  # noqa: F401
    import torch  # noqa: F401

    try:
        import transformers  # noqa: F401
    except ImportError:
        print("transformers is not installed: its models are left out", file=sys.stderr)
    lines = options.file.read_text().splitlines() if options.file.exists() else []
    known = {json.loads(line)["model"] for line in lines}
    found = [(name, function) for name, function in models() if name.startswith(tuple(options.only))]
    random.Random(20261123).shuffle(found)
    ends = time.monotonic() + options.seconds
    for name, function in found:
        if name in known or time.monotonic() > ends:
            continue
        row = {"model": name} | child(function, options)
        with options.file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        ratio = f"{row['of_compile']:.2f}" if "of_compile" in row else row.get("reason", "")[:120]
        print(f"{name} {row['status']} {ratio}", flush=True)


def table(file: Path) -> None:
    """What was measured, as Markdown."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    done = sorted((row for row in rows if row["status"] == "measured"), key=lambda row: row["model"])
    if not done:
        return
    mean = math.exp(statistics.fmean(math.log(row["of_compile"]) for row in done))
    slower = [row["model"] for row in done if row["of_compile"] < 1 / 1.02]
    print(
        f"{len(done)} of {len(rows)} models measured; geometric mean {mean:.2f}; slower by more than 2 %: {len(slower)}\n"
    )
    print(
        "| model | hearth, ms | compile, ms | eager, ms | of compile | of eager | difference |\n|---|---|---|---|---|---|---|"
    )
    for row in done:
        print(
            f"| {row['model']} | {row['hearth']:.3f} | {row['compile']:.3f} | {row['eager']:.3f} | {row['of_compile']:.2f} "
            f"| {row['of_eager']:.2f} | {row['difference']:.1e} |"
        )
    for row in rows:
        if row["status"] != "measured":
            print(f"\n{row['model']}: {row['status']}: {row['reason']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", nargs="*", default=[""], help="models whose name begins with one of these")
    parser.add_argument("--trials", type=int, default=0, help="of the search (default 0: default schedules)")
    parser.add_argument("--budget", type=float, default=None, help="seconds of the search")
    parser.add_argument("--limit", type=float, default=180, help="seconds for one model (default 180)")
    parser.add_argument("--seconds", type=float, default=1e9, help="no model begins later than this")
    options = parser.parse_args()
    if options.step == "table":
        table(options.file)
    else:
        run(options)


if __name__ == "__main__":
    main()
