"""Exports the zoo (many small models of well-known families) and says how far each one gets: import, package, agreement.

    python Benchmarks/zoo.py OUT_DIR [--hearth BINARY] [--only PREFIX …] [--levels raw middle core] [--markdown FILE]

Archives stay in OUT_DIR; a model that is there already is not exported again. `transformers` must be installed for the
models of `zoo_transformers.py`.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "models"), str(HERE.parent / "python")]

LEVELS = ("raw", "middle", "core")


@dataclass
class Outcome:
    """How far one model got at one level: `agrees`, or the stage that failed and why."""

    stage: str
    detail: str = ""

    def __str__(self) -> str:
        return self.stage + (f": {self.detail}" if self.detail else "")


def models() -> list[tuple[str, str]]:
    """Name and `FILE.py:FUNCTION` of every model: the functions without arguments that are declared to return one."""
    found = []
    files = {"zoo_transformers.py": "transformers", "zoo_vision.py": "hand-written", "zoo_audio.py": "hand-written"}
    for file, prefix in files.items():
        for node in ast.parse((HERE / "models" / file).read_text()).body:
            takes = isinstance(node, ast.FunctionDef) and (node.args.args or node.args.vararg or node.args.kwarg)
            if isinstance(node, ast.FunctionDef) and not takes and getattr(node.returns, "id", "") == "Model":
                found.append((f"{prefix}.{node.name}", f"{HERE / 'models' / file}:{node.name}"))
    return found


def export(name: str, function: str, out: Path, levels: list[str]) -> dict[str, str]:
    """Writes `NAME.LEVEL.pt2` and `NAME.golden.safetensors`; for each level that failed, why."""
    import torch
    from hearth import capture, loading, tensorfile

    golden = out / f"{name}.golden.safetensors"
    missing = [level for level in levels if not (out / f"{name}.{level}.pt2").exists()]
    if golden.exists() and not missing:
        return {}
    try:
        source = loading.load_function(function)
        tensors, _ = capture.golden(source, 1, 0)
        tensorfile.write(golden, tensors)
    except Exception as error:
        return {level: loading.one_line(error) for level in levels}
    failures = {}
    for level in missing:
        try:
            program, reached, notes = capture.export(source, level)
            if reached != level:
                failures[level] = notes[0]
                continue
            torch.export.save(program, out / f"{name}.{level}.pt2")
        except Exception as error:
            failures[level] = loading.one_line(error)
    return failures


def outcome(hearth: str, archive: Path, golden: Path, package: Path) -> Outcome:
    """Builds a package without search and verifies it."""
    shutil.rmtree(package, ignore_errors=True)
    command = [hearth, "optimize", str(archive), "-i", str(golden), "-o", str(package), "--trials", "0"]
    try:
        built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return Outcome("build", "no package after 300 s")
    said = [line for line in built.stderr.splitlines() if "hearth:" in line or "rror" in line]
    reason = said[-1].removeprefix("hearth: ")[:300] if said else f"exit code {built.returncode}"
    if "does not agree" in reason and len(said) > 1:
        return Outcome("differs", said[0].removeprefix("hearth: ")[:300])
    if built.returncode == 1:
        return Outcome("import", reason)
    if built.returncode != 0 or not package.exists():
        return Outcome("build", reason)
    verified = subprocess.run([hearth, "verify", str(package)], capture_output=True, text=True, timeout=300)
    if verified.returncode != 0 or "agrees" not in verified.stdout:
        lines = (verified.stdout + verified.stderr).strip().splitlines()
        return Outcome("differs", lines[0][:300] if lines else f"exit code {verified.returncode}")
    return Outcome("agrees")


def table(rows: dict[str, dict[str, Outcome]], levels: list[str]) -> str:
    """The outcomes as Markdown."""
    lines = ["| model | " + " | ".join(levels) + " |", "|---|" + "---|" * len(levels)]
    for name, found in rows.items():
        cells = [re.sub(r"([|])", r"\\\1", str(found.get(level, Outcome("-")))) for level in levels]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs the command line; 1 when a model that exports does not agree."""
    parser = argparse.ArgumentParser(description="Says how far the models of the zoo get.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--hearth", default=str(HERE.parent / ".build/release/hearth"))
    parser.add_argument("--only", nargs="*", default=[""], help="models whose name begins with one of these")
    parser.add_argument("--levels", nargs="*", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--markdown", type=Path, help="file to write the table to")
    parser.add_argument("--export-only", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, Outcome]] = {}
    for name, function in models():
        if not name.startswith(tuple(options.only)):
            continue
        failures = export(name, function, options.out, options.levels)
        rows[name] = {level: Outcome("export", reason) for level, reason in failures.items()}
        for level in options.levels:
            archive = options.out / f"{name}.{level}.pt2"
            if archive.exists() and not options.export_only:
                golden = options.out / f"{name}.golden.safetensors"
                rows[name][level] = outcome(options.hearth, archive, golden, options.out / "package.hearth")
            print(f"{name}.{level}: {rows[name].get(level, Outcome('exported'))}", flush=True)
    if options.markdown:
        options.markdown.write_text(table(rows, options.levels))
    print(f"{sum(o.stage == 'agrees' for r in rows.values() for o in r.values())} of {3 * len(rows)} agree")
    return int(any(o.stage not in ("agrees", "export") for r in rows.values() for o in r.values()))


if __name__ == "__main__":
    sys.exit(main())
