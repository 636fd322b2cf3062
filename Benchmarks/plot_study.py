#!/usr/bin/env python3
"""Draws the curves of `hearth study --csv FILE` as SVG: best so far against trials, geometric mean over kernels and seeds.

Benchmarks/plot_study.py curves.csv curves.svg [--only "32 agents,random,model alone"] [--set held|tuned|all]
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from html import escape

COLOURS = ["#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#b9770e", "#16808a", "#7f8c8d", "#d35482", "#34495e", "#6a8d19"]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 460, 60, 24, 220, 48


def curves(path: str, which: str) -> dict[str, list[float]]:
    """Geometric means by contestant, one number a trial."""
    logs: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if which != "all" and (row["tuned"] == "true") != (which == "tuned"):
                continue
            part = max(float(row["part_of_best"]), 1e-9)
            logs[row["contestant"]][int(row["trial"])].append(math.log(part))
    return {
        name: [math.exp(sum(trials[trial]) / len(trials[trial])) for trial in sorted(trials)]
        for name, trials in logs.items()
    }


def svg(found: dict[str, list[float]], title: str) -> str:
    """A self-contained picture."""
    trials = max(len(curve) for curve in found.values())
    low = min(0.9, min(curve[min(3, len(curve) - 1)] for curve in found.values()))

    def place(trial: int, part: float) -> tuple[float, float]:
        x = LEFT + (trial - 1) / max(1, trials - 1) * (WIDTH - LEFT - RIGHT)
        y = TOP + (1 - (max(part, low) - low) / (1 - low)) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="15" font-size="13">{escape(title)}</text>',
    ]
    for step in range(6):
        part = low + (1 - low) * step / 5
        (x, y), (end, _) = place(1, part), place(trials, part)
        lines.append(f'<line x1="{x}" y1="{y}" x2="{end}" y2="{y}" stroke="#ddd"/>')
        lines.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end">{part:.2f}</text>')
    for trial in [1] + list(range(8, trials + 1, 8)):
        x, y = place(trial, low)
        lines.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{trial}</text>')
    lines.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">trials; up: best known time by the best so far</text>')
    for number, (name, curve) in enumerate(found.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join("{},{}".format(*place(trial + 1, part)) for trial, part in enumerate(curve))
        dash = ' stroke-dasharray="5 3"' if number >= len(COLOURS) else ""
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>')
        y = TOP + 14 + number * 17
        x = WIDTH - RIGHT + 16
        lines.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 20}" y2="{y - 4}" stroke="{colour}" stroke-width="2"{dash}/>'
        )
        lines.append(f'<text x="{x + 26}" y="{y}">{escape(name)}</text>')
    return "\n".join(lines + ["</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("csv")
    parser.add_argument("svg")
    parser.add_argument("--only", default="", help="contestants by their whole names, separated by commas")
    parser.add_argument("--set", default="held", choices=["held", "tuned", "all"])
    arguments = parser.parse_args()
    found = curves(arguments.csv, arguments.set)
    if arguments.only:
        found = {name: found[name] for name in arguments.only.split(",")}
    with open(arguments.svg, "w") as file:
        file.write(svg(found, f"Searches over recorded kernels ({arguments.set})"))


if __name__ == "__main__":
    main()
