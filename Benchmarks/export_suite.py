"""Exports models of the suite: NAME.LEVEL.pt2, NAME.golden.safetensors and NAME.LEVEL.json into a folder.

    python Benchmarks/export_suite.py OUT_DIR [--models NAME …] [--levels middle …] [--sets N]

Files that are there already are kept, so an interrupted export goes on where it stopped.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "models"))

from suite import ENTRIES, Entry, chosen  # noqa: E402


def export(entry: Entry, level: str, out: Path, sets: int) -> str | None:
    """Captures one model at one level in a process of its own; `None`, or why it failed."""
    target, golden = out / f"{entry.name}.{level}.pt2", out / f"{entry.name}.golden.safetensors"
    if target.exists() and golden.exists():
        return None
    with tempfile.TemporaryDirectory(dir=out, prefix=".export.") as folder:
        count = 0 if golden.exists() else sets
        command = [sys.executable, str(HERE.parent / "python/hearth/capture.py"), str(HERE / "models" / entry.function)]
        command += [folder, "--level", level, "--sets", str(count)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        shutil.move(f"{folder}/capture.json", out / f"{entry.name}.{level}.json")
        if not golden.exists():
            shutil.move(f"{folder}/golden.safetensors", golden)
        shutil.move(f"{folder}/model.pt2", target)
    return None


def main() -> int:
    """Runs the command line; 1 when a model could not be exported."""
    parser = argparse.ArgumentParser(description="Exports models of the suite.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--levels", nargs="*", default=["middle"], choices=["raw", "middle", "core"])
    parser.add_argument("--sets", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    everything = tuple({entry.group: None for entry in ENTRIES})
    for entry in chosen(options.models, everything):
        for level in options.levels:
            if level == "core" and entry.unrolls:
                continue
            reason = export(entry, level, options.out, options.sets)
            failed += reason is not None
            print(f"{entry.name}.{level}: {reason or 'ok'}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
