"""Measures the suite: speed beside all rivals, agreement, memory beside eager PyTorch, and the time to load.

    python Benchmarks/measure.py SUITE_DIR --out Benchmarks/results/NAME [--models NAME …] [--rounds 15]

SUITE_DIR holds `NAME.middle.pt2` and `NAME.golden.safetensors` as `export_suite.py` writes them; packages `NAME.hearth` there are
used, missing ones are made. What was measured stays in SUITE_DIR/measured, so that an interrupted run goes on; `--again`
measures anew. Nothing else may run meanwhile. Compiled code of torch.compile is kept where TORCHINDUCTOR_CACHE_DIR says.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "models"))

from suite import Entry, chosen  # noqa: E402

# One eager call after the load; the peak is counted from there (clear_refs 5), not from how the weights were made.
EAGER = """
import ctypes, gc, sys
sys.path.insert(0, sys.argv[1])
import torch
from hearth import engines, tensorfile
engine = engines.load(sys.argv[2], "eager", 2, "")
call = engine.bind(engines.input_sets(tensorfile.read(sys.argv[3]), engine.example())[0])
gc.collect(); ctypes.CDLL(None).malloc_trim(0)
open("/proc/self/clear_refs", "w").write("5")
with engine.context():
    call()
rows = dict(line.split(":", 1) for line in open("/proc/self/status"))
weights = {t.data_ptr(): t.nbytes for t in [*engine.model.module.parameters(), *engine.model.module.buffers()]}
print(int(rows["VmHWM"].split()[0]) * 1024, sum(weights.values()))
"""


def text(command: list[Any]) -> str:
    """Standard output of a command; throws with its last line of errors."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(
            (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        )
    return done.stdout


def first_result(hearth: str, package: Path, golden: Path) -> tuple[float, dict[str, Any]]:
    """Milliseconds from before the process starts to its first result, and what it says."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    said = json.loads(text([hearth, "run", package, "-i", golden, "--json"]))
    return (said["first_result_clock_ns"] - before) / 1e6, said


def measure(entry: Entry, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one model."""
    work, hearth = options.suite, options.hearth
    golden, package = work / f"{entry.name}.golden.safetensors", work / f"{entry.name}.hearth"
    source = ROOT / "models" / entry.function
    if not (package / "manifest.json").exists():
        command = [hearth, "optimize", work / f"{entry.name}.middle.pt2", "-i", golden, "-o", package]
        text([*command, *options.optimize.split()])
    row: dict[str, Any] = {"verify": text([hearth, "verify", package]).strip().splitlines()[-1]}
    loads = [first_result(hearth, package, golden) for _ in range(5)]
    row["first_result_ms"] = min(ms for ms, _ in loads)
    row["peak_bytes"] = max(said["peak_bytes"] for _, said in loads)
    python = [sys.executable, "-c", EAGER, ROOT.parent / "python", source, golden]
    row["eager_peak_bytes"], row["weight_bytes"] = map(int, text(python).split())
    bench = [hearth, "bench", package, "--model", source, "-i", golden, "--against", options.against]
    row["bench"] = json.loads(text([*bench, "--rounds", options.rounds, "--json"]))
    return row


def mean(values: list[float]) -> str:
    """The geometric mean, with the count."""
    value = math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan
    return f"{value:.2f} over {len(values)} models"


def table(rows: dict[str, dict[str, Any]], command: str, machine: str) -> str:
    """Markdown."""
    lines = [
        "# The suite beside its rivals", "", f"Machine: {machine}. Command: `{command}`.", "",
        "Ratio: median over rounds of theirs / ours, all sides interleaved in each round; 95 % interval by order "
        "statistics.",
        "Memory: peak resident MB of `hearth run` and of an eager process in one call after the load.", "",
        "| model | hearth ms | best of PyTorch | ratio | 95 % | ≥ 0.98 | other runtime | ratio | MB | eager MB | first result ms | agrees |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    compiled, other, notes = [], [], []
    for name, row in rows.items():
        good = {r["mode"]: r for r in row["bench"]["against"] if "ratio" in r}
        notes += [f"- {name}, {r['mode']}: {r['error']}" for r in row["bench"]["against"] if "error" in r]
        torch = [r for m, r in good.items() if m not in ("onnxruntime", "openvino")]
        rest = [r for m, r in good.items() if m in ("onnxruntime", "openvino")]
        best = min(torch, key=lambda r: r["ratio"], default=None)
        peer = min(rest, key=lambda r: r["ratio"], default=None)
        modes = [r["ratio"] for r in torch if r["mode"] != "eager"]
        compiled += [min(modes)] if modes else []
        other += [peer["ratio"]] if peer else []
        cells = [name, f"{(best or peer)['ours_ms']:.3f}"]
        cells += [best["mode"], f"{best['ratio']:.2f}", f"{best['low']:.2f}…{best['high']:.2f}",
                  "yes" if best["reaches"] else "no"] if best else ["–"] * 4  # fmt: skip
        cells += [peer["mode"], f"{peer['ratio']:.2f}"] if peer else ["–"] * 2
        cells += [f"{row['peak_bytes'] / 1e6:.0f}", f"{row['eager_peak_bytes'] / 1e6:.0f}"]
        cells += [f"{row['first_result_ms']:.1f}", row["verify"]]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"Geometric mean over the best torch.compile mode: {mean(compiled)}.",
              f"Geometric mean over the best of ONNX Runtime and OpenVINO: {mean(other)}.", ""]  # fmt: skip
    return "\n".join(lines + (["Not measured:", "", *notes] if notes else [])) + "\n"


def main() -> int:
    """Runs the command line; 1 when a model could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hearth", default=str(ROOT.parent / ".build/release/hearth"))
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--against", default="all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--optimize", default="", help="further arguments of hearth optimize")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("HEARTH_PYTHON", sys.executable)
    os.environ.setdefault("HEARTH_HOME", str(ROOT.parent))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT.parent / ".build/inductor-cache"))
    kept = options.suite / "measured"
    kept.mkdir(exist_ok=True)
    rows, failed = {}, 0
    for entry in chosen(options.models):
        memory = kept / f"{entry.name}.json"
        if options.again or not memory.exists():
            began = time.time()
            try:
                memory.write_text(json.dumps(measure(entry, options), indent=1) + "\n")
            except (RuntimeError, ValueError, KeyError) as error:
                print(f"{entry.name}: {error}", file=sys.stderr, flush=True)
                failed += 1
                continue
            print(f"{entry.name}: {time.time() - began:.0f} s", flush=True)
        rows[entry.name] = json.loads(memory.read_text())
        first = next(iter(rows.values()))["bench"]
        machine = f"{first['machine']}, {first['threads']} threads; " + ", ".join(
            f"{k} {v}" for k, v in first["versions"].items()
        )
        command = f"python Benchmarks/measure.py SUITE_DIR --rounds {options.rounds} --against {options.against}"
        result = {"machine": machine, "command": command, "models": rows}
        options.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        options.out.with_suffix(".md").write_text(table(rows, command, machine))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
