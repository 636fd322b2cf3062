"""The Markdown summary of what `opinfo.py run` found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from opinfo_samples import COMPLEX

__all__ = ["key", "summary"]

STAGES = {
    "capture": "PyTorch cannot capture or write it",
    "import": "the importer refuses it",
    "build": "no package is built",
    "run": "the package does not run",
    "interpreter": "wrong results, the interpreter's too",
    "kernel": "wrong results of the package alone",
}


def key(reason: str) -> str:
    """A reason without what differs between samples: names, numbers, places."""
    return re.sub(r"'[^']*'|<[^>]*>|\[[^\]]*\]|\b(?:nan|inf|True|False)\b|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "…", reason)


def share(part: int, whole: int) -> str:
    """A percentage, never rounded up to 100."""
    return f"{int(10000 * part / whole) / 100:.2f} %" if whole else "-"


def cell(text: str) -> str:
    """Text for a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def failures(rows: Iterable[dict[str, Any]]) -> list[tuple[str, str, int, list[str], list[str], str]]:
    """Failures by stage and reason, the most frequent first: stage, reason, samples, OpInfos, types, an example."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[str, str]] = {}
    ops: dict[tuple[str, str], dict[str, None]] = {}
    types: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for one in row["failures"]:
            place = one["stage"], key(one["reason"])
            if one["stage"] in ("interpreter", "kernel", "run") or one["reason"].startswith("ended with"):
                place = one["stage"], f"{row['op']}: {key(one['reason'])}"
            counts[place] += one["count"]
            first.setdefault(place, (one["reason"], one["example"]))
            ops.setdefault(place, {})[row["op"]] = None
            types.setdefault(place, {})[row["dtype"]] = None
    return [
        (place[0], first[place][0], count, list(ops[place]), list(types[place]), first[place][1])
        for place, count in counts.most_common()
    ]


def summary(rows: Sequence[dict[str, Any]], bare: Sequence[str], core: int, how: str) -> str:
    """The document. `bare` are the core operators without an OpInfo, of `core`; `how` says how the run was made."""

    def totals(rows: Iterable[dict[str, Any]]) -> tuple[str, int, int]:
        """Percentage, samples that agree, samples."""
        counts = [(row["agreed"], row["samples"]) for row in rows]
        agreed, total = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        return share(agreed, total), agreed, total

    def types(rows: Iterable[dict[str, Any]]) -> str:
        return ", ".join(dict.fromkeys(row["dtype"] for row in rows))

    real = [row for row in rows if row["dtype"] not in COMPLEX]
    pairs = [row for row in rows if row["dtype"] in COMPLEX]
    (whole, agreed, total), (of_real, _, reals), (of_pairs, _, others) = totals(rows), totals(real), totals(pairs)
    imported = sum(row["imported"] for row in rows)
    found = failures(rows)
    by_op: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_op.setdefault(row["op"], []).append(row)
    clean = [name for name, group in by_op.items() if all(row["agreed"] == row["samples"] for row in group)]
    sizes = {name: sum(row["samples"] for row in group) for name, group in by_op.items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    rights = [sum(row["agreed"] for row in group) / max(sizes[name], 1) for name, group in by_op.items()]
    small = totals(row for row in rows if row["op"] not in largest)
    stages: Counter[str] = Counter()
    for stage, _, count, *_ in found:
        stages[stage] += count
    lines = [
        "# PyTorch's own samples of the core operators",
        "",
        how,
        "",
        f"- **{whole} of all {total} forward samples** agree with PyTorch in double precision ({agreed}); no sample is left out, "
        "whatever fails for whatever reason counts.",
        f"- {of_real} of the {reals} samples of real types ({types(real)}), {of_pairs} of the {others} of complex types "
        f"({types(pairs) or 'none were run'}): packages have no complex element type, so complex tensors enter and leave a program as "
        "pairs of real numbers, through `torch.view_as_complex` and `torch.view_as_real` in it.",
        f"- {sum(sizes[name] for name in largest)} samples are of {', '.join(largest)} alone; of the {small[2]} others {small[0]} agree, "
        f"and on average an OpInfo does in {100 * sum(rights) / max(len(rights), 1):.2f} % of its samples.",
        "- Tensors that a call changes in place are compared as results are.",
        f"- {imported} samples were built into packages ({share(imported, total)}).",
        f"- {sum(row['free'] for row in rows)} of those that agree were compared in type and shape alone (random numbers, memory that "
        "nothing has written).",
        f"- {sum(row['own'] for row in rows)} of those that agree do so only beside PyTorch's own deviation: its result in the sample's "
        "type is itself further from double precision than the tolerance.",
        f"- {len(by_op)} OpInfos stand for {core - len(bare)} of the {core} core operators; {len(clean)} agree in every sample.",
        "- Core operators without an OpInfo: " + ", ".join(f"`{name}`" for name in bare) + ".",
        "",
        "A result agrees where each element lies within 1e-12 (f64), 1e-5 (f32), 4e-3 (f16) or 3e-2 (bf16) of the one in double",
        "precision, relative to its own magnitude and the tensor's median one; integers, infinities, NaNs, types and shapes are equal.",
        "",
        "| what fails | samples |",
        "|---|---|",
        *(f"| {text} | {stages[stage]} |" for stage, text in STAGES.items()),
        "",
        "## Reasons",
        "",
        "| samples | stage | reason (an example) | OpInfos | types | sample |",
        "|---|---|---|---|---|---|",
    ]
    for stage, reason, count, ops, types, example in found:
        shown = ", ".join(ops[:6]) + (f" and {len(ops) - 6} more" if len(ops) > 6 else "")
        lines.append(
            f"| {count} | {stage} | {cell(reason)[:240]} | {shown} | {' '.join(types)} | `{cell(example)[:140]}` |"
        )
    lines += ["", "## OpInfos with failures", "", "| OpInfo | core operators | samples | agree | types that fail |"]
    lines.append("|---|---|---|---|---|")
    for name, group in by_op.items():
        bad = [f"{row['dtype']} {row['samples'] - row['agreed']}" for row in group if row["agreed"] < row["samples"]]
        if bad:
            whole, right = sum(row["samples"] for row in group), sum(row["agreed"] for row in group)
            lines.append(f"| {name} | {' '.join(group[0]['core'])} | {whole} | {right} | {', '.join(bad)} |")
    return "\n".join(lines) + "\n"
