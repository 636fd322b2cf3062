"""Measures PyTorch's modes, ONNX Runtime and OpenVINO on the model suite: what Hearth is compared with.

    python Benchmarks/peers.py [--models NAME …] [--modes MODE …] [--rounds N] [--out FILE]

One process a mode is loaded and warmed; then all modes take turns, a batch of calls each, in one order and then the
reverse (ABBA), while the others sleep. The result is the median over all calls; its 95 % interval is a bootstrap over
the rounds. Outputs are compared with eager's. Nothing else may run on the machine meanwhile; the load is recorded.

Results go to Benchmarks/results/DATE-CPU-peers.json and a table beside it. Models that the file already holds are
skipped, so an interrupted run goes on; `--again` measures them anew.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import math
import os
import platform
import random
import re
import shlex
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "models"))
sys.path.insert(0, str(HERE.parent / "python"))

from hearth import tensorfile  # noqa: E402
from hearth.baseline import MODES, TORCH_MODES  # noqa: E402
from hearth.baseline_client import Baseline, BaselineError  # noqa: E402
from suite import Entry, chosen  # noqa: E402

Result = dict[str, Any]


def cpu_facts() -> dict[str, Any]:
    """What the processor is, as far as it says so."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    rows = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text, re.MULTILINE))
    flags = set(rows.get("flags", "").split())
    wanted = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8"]
    caches = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with contextlib.suppress(OSError):
            kind = (folder / "type").read_text().strip()
            caches[f"L{(folder / 'level').read_text().strip()} {kind}"] = (folder / "size").read_text().strip()
    return {
        "name": rows.get("model name", platform.processor()),
        "family": rows.get("cpu family"),
        "model": rows.get("model"),
        "cores": os.cpu_count(),
        "isa": [flag for flag in wanted if flag in flags],
        "caches": caches,
    }


def interval(rounds: list[list[int]], draws: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the median of round medians, in nanoseconds."""
    medians = [statistics.median(r) for r in rounds]
    source = random.Random(0)
    drawn = sorted(statistics.median(source.choices(medians, k=len(medians))) for _ in range(draws))
    return drawn[int(0.025 * draws)], drawn[min(int(0.975 * draws), draws - 1)]


def difference(path: Path, reference: Path) -> float:
    """Largest absolute difference between two output files over the reference's largest magnitude."""
    found, wanted = tensorfile.read(path), tensorfile.read(reference)
    worst = 0.0
    for name, tensor in wanted.items():
        if name not in found or found[name].shape != tensor.shape:
            return math.inf
        a, b = found[name].double(), tensor.double()
        worst = max(worst, float((a - b).abs().max()) / max(float(b.abs().max()), 1e-30))
    return worst


def measure(entry: Entry, modes: list[str], options: argparse.Namespace, log: Path) -> dict[str, Result]:
    """Every mode's result for one model; a mode that cannot run it has `error` in place of times."""
    results: dict[str, Result] = {}
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="hearth-peers.") as folder:
        ready: dict[str, tuple[Baseline, int]] = {}
        for mode in modes:
            process = stack.enter_context(Baseline(mode, options.threads, log))
            try:
                versions = process.load(str(HERE / "models" / entry.function))
                first = process.ask("warm", calls=3, seconds=options.warm)
                probe = process.ask("run", calls=5)["ns"]
                process.ask("outputs", path=f"{folder}/{mode}")
                memory = process.ask("memory")
            except BaselineError as error:
                results[mode] = {"error": str(error), "code": error.code}
                process.close()
                print(f"  {entry.name} {mode}: {error}", file=sys.stderr, flush=True)
                continue
            calls = max(3, min(5000, math.ceil(options.batch * 1e9 / statistics.median(probe))))
            ready[mode] = (process, calls)
            results[mode] = {
                "load_s": versions["ns"] / 1e9,
                "first_call_s": first["first_ns"] / 1e9,
                "peak_mb": memory["peak_bytes"] / 1e6,
                "calls_per_round": calls,
            }
            reference = Path(folder) / "eager"
            if mode != "eager" and reference.exists():
                results[mode]["difference_to_eager"] = difference(Path(folder) / mode, reference)
        times: dict[str, list[list[int]]] = {mode: [] for mode in ready}
        for turn in range(options.rounds):
            for mode in list(ready) if turn % 2 == 0 else list(reversed(ready)):
                process, calls = ready[mode]
                times[mode].append(process.ask("run", calls=calls, discard=2)["ns"])
    for mode, rounds in times.items():
        low, high = interval(rounds)
        every = [ns for calls in rounds for ns in calls]
        results[mode] |= {
            "median_ms": statistics.median(every) / 1e6,
            "low_ms": low / 1e6,
            "high_ms": high / 1e6,
            "minimum_ms": min(every) / 1e6,
            "calls": len(every),
        }
    return results


def table(stored: dict[str, Any]) -> str:
    """The results as Markdown."""
    modes = [m for m in MODES if any(m in row["results"] for row in stored["models"].values())]

    def cell(result: Result | None) -> str:
        if result is None:
            return ""
        return "not run" if "error" in result else f"{result['median_ms']:.3f}"

    lines = [
        f"# Peers on {stored['cpu']['name']}, {stored['threads']} threads",
        "",
        f"Median milliseconds a call, {stored['date']}. Command: `{stored['command']}`. Versions: "
        + ", ".join(f"{k} {v}" for k, v in stored["versions"].items())
        + f". ISA: {' '.join(stored['cpu']['isa'])}.",
        "",
        "| model | " + " | ".join(modes) + " | best torch.compile | load before |",
        "|---|" + "---|" * (len(modes) + 2),
    ]
    for name, row in stored["models"].items():
        results = row["results"]
        compiled = {m: r["median_ms"] for m, r in results.items() if m in TORCH_MODES[1:] and "median_ms" in r}
        best = min(compiled, key=lambda m: compiled[m]) if compiled else None
        cells = [cell(results.get(m)) for m in modes]
        lines.append(
            f"| {name} | "
            + " | ".join(cells)
            + f" | {f'{compiled[best]:.3f} ({best})' if best else ''} | {row['load']} |"
        )
    errors = [
        f"- {name}, {mode}: {result['error']}"
        for name, row in stored["models"].items()
        for mode, result in row["results"].items()
        if "error" in result
    ]
    return "\n".join(lines + (["", "Not run:", ""] + errors if errors else [])) + "\n"


def versions() -> dict[str, str]:
    """Versions of the measured libraries."""
    from importlib import metadata

    found = {"python": platform.python_version()}
    for package in ("torch", "onnxruntime", "openvino"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def save(path: Path, stored: dict[str, Any]) -> None:
    """Writes the JSON and the table, each whole or not at all."""
    for target, text in ((path, json.dumps(stored, indent=1) + "\n"), (path.with_suffix(".md"), table(stored))):
        partial = target.with_suffix(target.suffix + ".partial")
        partial.write_text(text)
        partial.replace(target)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Measures what Hearth is compared with, on this machine.")
    parser.add_argument("--models", nargs="*", help="names of the suite, or beginnings ending in * (default: all)")
    parser.add_argument("--modes", nargs="*", choices=MODES, default=list(MODES))
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--batch", type=float, default=0.2, help="seconds of calls in one turn (default 0.2)")
    parser.add_argument("--warm", type=float, default=1.0, help="seconds of calls before measuring (default 1)")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--again", action="store_true", help="measure models that the file already holds")
    options = parser.parse_args()

    cpu = cpu_facts()
    date = datetime.date.today().isoformat()
    slug = re.sub(r"[^a-z0-9]+", "-", f"{cpu['name']} f{cpu['family']}m{cpu['model']}".lower()).strip("-")
    path = options.out or HERE / "results" / f"{date}-{slug}-peers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {"date": date, "cpu": cpu, "threads": options.threads, "versions": versions(), "models": {}}
    stored = json.loads(path.read_text()) if path.exists() else fresh
    if (stored["cpu"], stored["threads"], stored["versions"]) != (cpu, options.threads, versions()):
        print(f"error: '{path}' was measured on another machine or with other versions; name another --out")
        return 1
    stored["command"] = "python Benchmarks/peers.py " + shlex.join(
        word
        for before, word in zip(sys.argv, sys.argv[1:], strict=False)
        if before != "--out" and not word.startswith("--out")
    )
    log = path.with_suffix(".log")
    for entry in chosen(options.models):
        held = stored["models"].get(entry.name, {}).get("results", {})
        if not options.again and set(options.modes) <= set(held):
            continue
        load = round(os.getloadavg()[0], 2)
        results = measure(entry, options.modes, options, log)
        stored["models"][entry.name] = {"dtype": entry.dtype, "group": entry.group, "load": load, "results": results}
        save(path, stored)
        shown = ", ".join(f"{m} {r['median_ms']:.3f}" for m, r in results.items() if "median_ms" in r)
        print(f"{entry.name}: {shown} ms", flush=True)
    if stored["models"]:
        print(table(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
