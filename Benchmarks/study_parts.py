#!/usr/bin/env python3
"""Says on which kernels contestants of the study differ from 32 agents by more than luck.

    python Benchmarks/study_parts.py CURVES.csv …

The curves are what `hearth study --landscapes … --seeds 100 --csv CURVES.csv` writes. A search is summed up by the mean
over its first 64 trials of -log(part of the best known): what is lost on the way, in parts of the time. A contestant differs
on a kernel where the means over all seeds are more than 3.3 standard errors apart (p < 0.001, as a table has some hundred
cells) and by more than 0.002. Held-out kernels have a star; a plus means that the contestant is worse than 32 agents.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path

TRIALS = 64
ERRORS = 3.3
LEAST = 0.002
SWARM = "32 agents"

Key = tuple[str, str]


def losses(path: Path) -> tuple[dict[Key, list[float]], dict[str, bool]]:
    """The loss of every search, by contestant and kernel, and whether a kernel may be tuned on."""
    curves: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    tuned: dict[str, bool] = {}
    for line in path.read_text().splitlines()[1:]:
        # Names of contestants hold commas.
        contestant, kernel, is_tuned, seed, trial, part = line.rsplit(",", 5)
        tuned[kernel] = is_tuned == "true"
        if int(trial) <= TRIALS:
            curves[contestant, kernel, seed][int(trial)] = float(part)
    found: dict[Key, list[float]] = defaultdict(list)
    for (contestant, kernel, _), curve in curves.items():
        best, total = 0.0, 0.0
        for trial in range(1, TRIALS + 1):
            best = curve.get(trial, best)
            total -= math.log(max(best, 1e-3))
        found[contestant, kernel].append(total / TRIALS)
    return found, tuned


def main() -> int:
    """Prints a line a contestant; returns 2 without files."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    lines: dict[str, list[str]] = defaultdict(list)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for path in map(Path, sys.argv[1:]):
        found, tuned = losses(path)
        for (contestant, kernel), ours in found.items():
            theirs = found.get((SWARM, kernel), [])
            if contestant == SWARM or len(theirs) < 2 or len(ours) < 2:
                continue
            difference = statistics.mean(ours) - statistics.mean(theirs)
            error = math.sqrt(statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs))
            counts[contestant][2] += 1
            if abs(difference) > LEAST and abs(difference) > ERRORS * error:
                counts[contestant][difference < 0] += 1
                lines[contestant].append(f"{kernel}{'' if tuned[kernel] else '*'} {difference:+.3f}")
    print("| who | worse on | better on | of | where |\n|---|---|---|---|---|")
    for contestant, (worse, better, count) in counts.items():
        print(f"| {contestant} | {worse} | {better} | {count} | {'; '.join(lines[contestant])} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
