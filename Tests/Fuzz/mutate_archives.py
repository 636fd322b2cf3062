"""Breaks whole archives in many ways and feeds them to `hearth optimize`, which must answer with exit code 0 or 1 and, for
1, with one line.

    python Tests/Fuzz/mutate_archives.py [--hearth BINARY] [--seconds N] [--seed N]

Archives are those of Tests/ModelImportTests/Borders. An answer of another kind prints the archive's place and what was
said; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import collections
import io
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What takes the place of a name, number or literal of model.json.
REPLACEMENTS = ["null", "-1", "99999999999999999999", '"x"', "[]", "{}", "true", '"as_int"', "0", "7", "1e400"]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The archive cut short, with bytes changed, inserted or copied over."""
    changed = bytearray(data)
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(changed[: chance.randrange(len(changed))])
    if kind == 1:
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind == 2:
        place = chance.randrange(len(changed))
        changed[place:place] = chance.randbytes(chance.randrange(1, 30))
    else:
        source, target = chance.randrange(len(changed) - 40), chance.randrange(len(changed) - 40)
        changed[target : target + 40] = changed[source : source + 40]
    return bytes(changed)


def misleading(data: bytes, chance: random.Random) -> bytes:
    """A well-formed archive whose program has one or two words replaced."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(result, "w") as written:
        for entry in given.infolist():
            content = given.read(entry)
            if entry.filename.endswith("model.json"):
                text = content.decode()
                for _ in range(chance.randrange(1, 3)):
                    word = chance.choice(list(re.finditer(r'"[a-z_]\w*"|-?\b\d+\b|true|false|null', text)))
                    text = text[: word.start()] + chance.choice(REPLACEMENTS) + text[word.end() :]
                content = text.encode()
            written.writestr(entry.filename, content)
    return result.getvalue()


def main() -> int:
    """Runs the command line; 1 when an answer was not as it must be."""
    parser = argparse.ArgumentParser(description="Feeds broken archives to hearth optimize.")
    parser.add_argument("--hearth", default=str(ROOT / ".build/release/hearth"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    archives = [path.read_bytes() for path in sorted((ROOT / "Tests/ModelImportTests/Borders").glob("*.pt2"))]
    answers: collections.Counter[int] = collections.Counter()
    bad = 0
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        archive, package = Path(folder) / "model.pt2", Path(folder) / "model.hearth"
        while time.monotonic() < end:
            data = chance.choice(archives)
            data = misleading(data, chance) if chance.random() < 0.4 else damaged(data, chance)
            archive.write_bytes(data)
            shutil.rmtree(package, ignore_errors=True)
            command = [options.hearth, "optimize", str(archive), "-o", str(package), "--trials", "0"]
            done = subprocess.run(command, capture_output=True, timeout=120, cwd=folder)
            answers[done.returncode] += 1
            lines = [line for line in done.stderr.splitlines() if line.startswith(b"hearth:")]
            if done.returncode not in (0, 1) or (done.returncode == 1 and len(lines) != 1):
                bad += 1
                kept = Path(tempfile.gettempdir()) / f"hearth-mutation-{options.seed}-{sum(answers.values())}.pt2"
                kept.write_bytes(data)
                print(f"{kept}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-400:]}", flush=True)
    print(f"{sum(answers.values())} archives, answers by exit code: {dict(answers)}, {bad} not as they must be")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
