"""Runs `hearth bench` for the model suite and writes the figures as JSON and as a table.

    python Benchmarks/compare.py --work DIR --modes compile,compile-freezing [--models NAME …] [--out Benchmarks/results/NAME]

DIR holds `NAME.middle.pt2` and `NAME.golden.safetensors` as `export_suite.py` writes them, and receives the packages. Every model
and mode is one interleaved run; what was measured before stays, so that a run can be resumed. Nothing else may run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "models"))

from suite import ENTRIES  # noqa: E402


def measure(
    hearth: str, work: Path, name: str, function: str, mode: str, rounds: int, extra: list[str]
) -> dict[str, Any]:
    """One comparison, from the folder's memory if it is there."""
    memory = work / f"{name}.{mode}.json"
    if memory.exists():
        known = json.loads(memory.read_text())
        if "ratio" in known["against"][0]:
            return known
    golden = work / f"{name}.golden.safetensors"
    package = work / f"{name}.hearth"
    if not (package / "manifest.json").exists():
        program = work / f"{name}.middle.pt2"
        subprocess.run([hearth, "optimize", program, "--inputs", golden, "-o", package, *extra], check=True)
    source = f"{ROOT / 'models' / function}"
    command = [hearth, "bench", package, "--model", source, "--inputs", golden, "--against", mode, "--json"]
    result = subprocess.run([*command, "--rounds", str(rounds)], check=True, capture_output=True, text=True)
    memory.write_text(result.stdout)
    return json.loads(result.stdout)


def table(rows: dict[str, dict[str, dict[str, Any]]], modes: list[str]) -> str:
    """Markdown: one line a model, the best rival and every ratio with its interval."""
    lines = [
        "| model | hearth ms | best rival | its ms | ratio | 95 % | " + " | ".join(modes) + " |",
        "|---|---|---|---|---|---|" + "---|" * len(modes),
    ]
    ratios = []
    for name, measured in rows.items():
        good = {mode: row for mode, row in measured.items() if "ratio" in row}
        if not good:
            continue
        mode, best = min(good.items(), key=lambda item: item[1]["ratio"])
        ratios.append(best["ratio"])
        cells = [f"{good[m]['ratio']:.2f}" if m in good else "–" for m in modes]
        lines.append(
            f"| {name} | {best['ours_ms']:.3f} | {mode} | {best['theirs_ms']:.3f} | {best['ratio']:.2f} "
            f"| {best['low']:.2f}…{best['high']:.2f} | " + " | ".join(cells) + " |"
        )
    mean = math.exp(sum(math.log(r) for r in ratios) / len(ratios)) if ratios else float("nan")
    lines.append("")
    lines.append(f"Geometric mean of the ratio to the best rival over {len(ratios)} models: {mean:.2f}.")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--hearth", default=str(ROOT.parent / ".build/release/hearth"))
    parser.add_argument("--modes", default="compile,compile-freezing,max-autotune,max-autotune-freezing")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--optimize", default="", help="further arguments of hearth optimize")
    parser.add_argument("--collect", action="store_true", help="only write what was measured before")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    modes = options.modes.split(",")
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    machine = ""
    for entry in ENTRIES:
        if entry.group == "feature" or (options.models and entry.name not in options.models):
            continue
        for mode in modes:
            if options.collect and not (options.work / f"{entry.name}.{mode}.json").exists():
                continue
            try:
                found = measure(
                    options.hearth,
                    options.work,
                    entry.name,
                    entry.function,
                    mode,
                    options.rounds,
                    options.optimize.split(),
                )
            except (subprocess.CalledProcessError, json.JSONDecodeError, KeyError, IndexError) as error:
                print(f"{entry.name} {mode}: {error}", file=sys.stderr)
                continue
            machine = f"{found['machine']}, {found['threads']} threads"
            rows.setdefault(entry.name, {})[mode] = found["against"][0]
    text = table(rows, modes)
    print(text)
    if options.out:
        options.out.with_suffix(".json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
        options.out.with_suffix(".md").write_text(f"# Hearth beside its rivals\n\nMachine: {machine}.\n\n{text}\n")


if __name__ == "__main__":
    main()
