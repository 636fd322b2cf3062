"""Measures what a search adds to the package without one (candidate 0), from an empty archive.

    python Benchmarks/search_adds.py SUITE_DIR --out Benchmarks/results/NAME [--models NAME …] [--optimize "--budget 60"]

SUITE_DIR holds `NAME.middle.pt2` and `NAME.golden.safetensors` as `export_suite.py` writes them. Every model is optimised with an
archive of its own; the figure is the comparison with which `optimize` ends: the package with all winners beside the one by default
rules and schedules, both whole, in turns in a fresh process, median ratio with its 95 % interval. Packages that are the same code are
1 without a measurement. What was measured stays in SUITE_DIR/search-adds, so that an interrupted run goes on; `--again` measures anew.
Nothing else may run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "models"))

from suite import ENTRIES, chosen  # noqa: E402


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a search of one model found; raises `RuntimeError` with the last line of errors."""
    folder = Path(tempfile.mkdtemp(prefix=".adds.", dir=options.suite))
    command = [options.hearth, "optimize", str(options.suite / f"{name}.middle.pt2")]
    command += ["-i", str(options.suite / f"{name}.golden.safetensors"), "-o", str(folder / "found.hearth")]
    command += ["--archive", str(folder / "trials.sqlite"), "--json", *shlex.split(options.optimize)]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - start
    shutil.rmtree(folder)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    found = next(e for e in events if e["event"] == "comparison" and e["against"] == "default")
    if found.get("failure"):
        raise RuntimeError(found["failure"])
    trials = {"model": 0, "kernels": 0}
    for event in events:
        if event["event"] == "trial":
            trials["model" if event["region"] == "model" else "kernels"] += 1
    closed = [e for e in events if e["event"] == "closed" and e.get("best_seconds") and e.get("default_seconds")]
    gains = {e["region"]: e["default_seconds"] / e["best_seconds"] for e in closed}
    winners = [f"{region} {gain:.2f}" for region, gain in gains.items() if gain > 1]
    return {
        "model": name,
        "ratio": found["ratio"],
        "low": found["low"],
        "high": found["high"],
        "rounds": found["rounds"],
        "ms": found["seconds"] * 1e3,
        "default_ms": found["their_seconds"] * 1e3,
        "seconds": seconds,
        "trials": trials,
        "winners": winners,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown, with their geometric means."""
    lines = [
        "| model | with the search, ms | without, ms | ratio | 95 % | trials: model, kernels | seconds | regions changed |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    for row in rows:
        interval = f"{row['low']:.2f}…{row['high']:.2f}" if row["rounds"] else "same code"
        times = f"{row['ms']:.3f} | {row['default_ms']:.3f}" if row["rounds"] else "– | –"
        trials = f"{row['trials'].get('model', 0)}, {row['trials'].get('kernels', 0)}"
        lines.append(
            f"| {row['model']} | {times} | {row['ratio']:.2f} | {interval} | {trials} | "
            f"{row['seconds']:.0f} | {len(row['winners'])} |"
        )
    ratios = [row["ratio"] if row["rounds"] else 1.0 for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))
    lines.append(
        f"\nGeometric mean over {len(rows)} models: {mean:.3f}. Most: {max(ratios):.2f}; no gain (at most 1.02): "
        f"{sum(ratio <= 1.02 for ratio in ratios)}."
    )
    return "\n".join(lines)


def main() -> int:
    """Runs the command line; 1 when a model could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path)
    parser.add_argument("--out", type=Path, help="writes NAME.md and NAME.json")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--hearth", default=os.environ.get("HEARTH", ".build/release/hearth"))
    parser.add_argument("--optimize", default="", help="further arguments of `hearth optimize`")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    kept = options.suite / "search-adds"
    kept.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    for entry in chosen(options.models, tuple({entry.group: None for entry in ENTRIES})):
        place = kept / f"{entry.name}.json"
        if not (options.suite / f"{entry.name}.middle.pt2").exists():
            continue
        if options.again or not place.exists():
            try:
                place.write_text(json.dumps(measure(entry.name, options)) + "\n")
            except RuntimeError as error:
                failed.append(f"{entry.name}: {error}")
                print(failed[-1], flush=True)
                continue
        rows.append(json.loads(place.read_text()))
        print(f"{entry.name}: {rows[-1]['ratio']:.3f} {rows[-1]['winners']}", flush=True)
    text = table(rows) if rows else "nothing measured"
    print(text)
    if options.out:
        options.out.with_suffix(".md").write_text(text + "\n" + "".join(f"\nNot measured: {line}\n" for line in failed))
        options.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
