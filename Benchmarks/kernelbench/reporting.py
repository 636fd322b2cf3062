"""What was found, as Markdown."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from children import Lines
from problems import Problem

Row = dict[str, Any]


def fast(rows: list[Row], threshold: float, side: str) -> float:
    """KernelBench's fast_p: the part of all problems that is correct and more than `threshold` times as fast."""
    good = [
        row for row in rows if row["status"] == "correct" and (threshold == 0 or (speedup(row, side) or 0) > threshold)
    ]
    return len(good) / len(rows) if rows else math.nan


def speedup(row: Row, side: str) -> float | None:
    """PyTorch's time by ours: of `eager`, or of the fastest compiled mode (`compiled`); None where it was not timed."""
    times = {name: found["median"] for name, found in row.get("times", {}).items()}
    theirs = [t for name, t in times.items() if name != "hearth" and (name == "eager") == (side == "eager")]
    return min(theirs) / times["hearth"] if theirs and "hearth" in times else None


def scores(rows: list[Row]) -> list[str]:
    """fast_0, fast_1 and fast_2, by level and together."""
    lines = ["| level | problems | fast_0 | fast_1 eager | fast_2 eager | fast_1 compiled | fast_2 compiled |"]
    lines += ["|---|---|---|---|---|---|---|"]
    levels = sorted({row["problem"][0] for row in rows})
    for level in [*levels, *(["all"] if len(levels) > 1 else [])]:
        some = [row for row in rows if level in ("all", row["problem"][0])]
        cells = [fast(some, 0, "eager"), *(fast(some, p, side) for side in ("eager", "compiled") for p in (1, 2))]
        lines.append(f"| {level} | {len(some)} | " + " | ".join(f"{x:.2f}" for x in cells) + " |")
    for side in ("eager", "compiled"):
        ratios = [r for row in rows if row["status"] == "correct" and (r := speedup(row, side))]
        if ratios:
            mean = statistics.geometric_mean(ratios)
            lines += [
                "",
                f"Geometric mean of the speed beside {side}, of the {len(ratios)} that are correct: {mean:.2f}.",
            ]
    return lines


def measured(rows: list[Row]) -> list[str]:
    """Scores, and a line for each problem that was measured."""
    if not rows:
        return []
    lines = ["## Measured", "", *scores(rows), "", "Milliseconds, medians.", ""]
    names = list(dict.fromkeys(name for row in rows for name in row.get("times", {})))
    lines += [
        "| problem | " + " | ".join(names) + " | agrees | largest difference | |",
        "|---" * (len(names) + 4) + "|",
    ]
    for row in rows:
        times = [f"{row['times'][n]['median']:.3f}" if n in row.get("times", {}) else "–" for n in names]
        found = row.get("agreement", {})
        agrees = f"{found['agree']} of {found['draws']}" if found else row["status"]
        apart = f"{found['difference']:.1e}" if found.get("difference") is not None else "–"
        said = [row["reason"]] if "reason" in row else [f"{k}: {v[:120]}" for k, v in row.get("errors", {}).items()]
        lines.append(f"| {row['title']} | {' | '.join(times)} | {agrees} | {apart} | {escaped('; '.join(said))} |")
    return lines


def escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def changes(row: Row) -> str:
    """How a problem was made smaller."""
    return ", ".join(f"{name} {old} → {new}" for name, (old, new) in row.get("reduced", {}).items())


def page(found: list[Problem], out: Path, mode: str) -> str:
    """Everything that the folder holds for one mode."""
    imported, judged = Lines(out / f"import.{mode}.jsonl").rows, Lines(out / f"judge.{mode}.jsonl").rows
    titles = {problem.key: problem.title for problem in found}
    lines: list[str] = []
    if imported:
        lines += ["| level | problems | import | judged correct |", "|---|---|---|---|"]
        for level in ["1", "2", "3", ""]:
            keys = [key for key in imported if key.startswith(level)]
            good = sum(imported[key]["status"] == "imports" for key in keys)
            right = sum(judged.get(key, {}).get("status") == "correct" for key in keys)
            if keys:
                lines.append(f"| {level or 'all'} | {len(keys)} | {good} | {right} |")
        lines += ["", "## Not imported", ""]
        causes: dict[str, list[str]] = defaultdict(list)
        for key, row in imported.items():
            if row["status"] != "imports":
                calls = Counter((call["operator"], call["reason"]) for call in row.get("refused", []))
                texts = [f"{name}: {reason}" for name, reason in calls] or [row.get("reason", row["status"])]
                for text in texts:
                    causes[text].append(titles.get(key, key))
        lines += [f"- {escaped(text)} — {', '.join(names)}" for text, names in causes.items()] or ["None."]
    if judged:
        lines += ["", "## Not correct", ""]
        bad = {key: row for key, row in judged.items() if row["status"] != "correct"}
        lines += [f"- {titles.get(k, k)}: {r['status']}: {escaped(r.get('reason', ''))}" for k, r in bad.items()] or [
            "None."
        ]
    if any(row.get("reduced") for row in imported.values()):
        lines += ["", "## Reduced", ""]
        lines += [f"- {titles.get(key, key)}: {changes(row)}" for key, row in imported.items() if row.get("reduced")]
    return (
        "\n".join(
            [
                *lines,
                "",
                *measured(sorted(Lines(out / f"measure.{mode}.jsonl").rows.values(), key=lambda row: row["problem"])),
            ]
        ).strip()
        + "\n"
    )
