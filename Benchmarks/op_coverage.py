"""Runs the operator models end to end, and writes Documentation/op-coverage.md from what was found.

    python Benchmarks/op_coverage.py sweep DIR [--hearth BINARY] [--only PREFIX …] [--levels middle core …] [--record]
    python Benchmarks/op_coverage.py table [--hearth BINARY] [--check]

`sweep` takes the archives that operators.py wrote into DIR: each is imported, evaluated by the interpreter, built without
search and verified. With `--record` the findings go to Documentation/op-coverage.json. `table` renders that file together
with the operators that the command knows and PyTorch's list of core operators; with `--check` it only says whether the
document is up to date.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

RECORD = ROOT / "Documentation/op-coverage.json"
DOCUMENT = ROOT / "Documentation/op-coverage.md"

# How far PyTorch's own result may lie from the interpreter's double-precision one, relative to the largest element.
NEARNESS = {"float64": 1e-12, "float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}

SHORT = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32"}
SHORT |= {"int16": "i16", "int8": "i8", "uint8": "u8", "bool": "bool"}


@dataclass
class Finding:
    """What became of one archive: the stages it passed, and the first complaint."""

    imports: bool = False
    interpreter: bool = False
    kernel: bool = False
    complaint: str = ""


def operators(archive: Path) -> set[str]:
    """Names, without overload, of the ATen operators of an archive's program."""
    import torch

    program = torch.export.load(archive)
    names = set()
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            if node.op == "call_function" and hasattr(node.target, "_schema"):
                namespace, _, base = node.target._schema.name.partition("::")
                names.add(base if namespace == "aten" else f"{namespace}.{base}")
    return names


def agrees(truth: Any, given: Any) -> bool:
    """Whether PyTorch's recorded result is what the interpreter computed, up to rounding. Positions may differ where
    elements tie."""
    import torch

    if not given.is_floating_point():
        return torch.equal(truth.to(given.dtype), given)
    limit = NEARNESS[str(given.dtype).removeprefix("torch.")]
    same = torch.nan_to_num(truth.double(), nan=1.25), torch.nan_to_num(given.double(), nan=1.25)
    finite = same[0][same[0].abs() < 1e30]
    scale = max(float(finite.abs().max()) if finite.numel() else 0.0, 1e-3)
    equal = (same[0] == same[1]) | ((same[0] - same[1]).abs() <= limit * scale) | (same[0].to(given.dtype) == given)
    return bool(equal.all())


def examine(hearth: str, archive: Path, golden: Path, package: Path) -> Finding:
    """Builds, compares the interpreter's truth with PyTorch's results, and verifies."""
    from hearth import tensorfile

    shutil.rmtree(package, ignore_errors=True)
    command = [hearth, "optimize", str(archive), "-i", str(golden), "-o", str(package), "--trials", "0", "--sets", "4"]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = [line.removeprefix("hearth: ") for line in built.stderr.splitlines() if "hearth:" in line]
    if built.returncode != 0:
        passed = "evaluating" in built.stderr
        reason = said[0][:300] if said else f"exit code {built.returncode}"
        return Finding(imports=passed, interpreter="does not belong" not in reason and passed, complaint=reason)
    tensors = tensorfile.read(package / "golden.safetensors")
    for name, given in tensors.items():
        truth = tensors.get(name.replace("output.", "truth."))
        if "output." in name and truth is not None and not agrees(truth, given):
            return Finding(imports=True, complaint=f"interpreter: {name} differs from PyTorch's")
    verified = subprocess.run([hearth, "verify", str(package)], capture_output=True, text=True, timeout=300)
    if verified.returncode != 0:
        return Finding(True, True, False, (verified.stdout + verified.stderr).strip().splitlines()[0][:300])
    return Finding(True, True, True)


@dataclass
class Record:
    """What the archives that contain one operator showed."""

    archives: int = 0
    interpreter: int = 0
    kernel: int = 0
    levels: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    dynamic: int = 0

    def json(self) -> dict[str, Any]:
        return vars(self) | {"levels": sorted(self.levels), "types": sorted(self.types)}


def sweep(options: argparse.Namespace) -> int:
    """The command `sweep`; 1 when an archive failed."""
    from hearth import tensorfile

    records: dict[str, Record] = {}
    failures = 0
    archives = sorted(options.folder.glob("*.pt2"))
    for archive in archives:
        name, _, level = archive.stem.rpartition(".")
        if level not in options.levels or not name.startswith(tuple(options.only)):
            continue
        golden = options.folder / f"{name}{'.dynamic' if level == 'dynamic' else ''}.golden.safetensors"
        try:
            contained = operators(archive)
        except RuntimeError:
            print(f"{name}.{level}: torch cannot load it", flush=True)
            continue
        found = examine(options.hearth, archive, golden, options.folder / "package.hearth")
        if found.complaint:
            failures += 1
            print(f"{name}.{level}: {found.complaint}", flush=True)
        given = tensorfile.read(golden)
        types = {SHORT[str(t.dtype).removeprefix("torch.")] for n, t in given.items() if n.startswith("input.")}
        for operator in contained:
            record = records.setdefault(operator, Record())
            record.archives += 1
            record.interpreter += found.interpreter
            record.kernel += found.kernel
            if found.kernel:
                record.types |= types
                record.levels |= {level} - {"dynamic"}
                record.dynamic += level == "dynamic"
    if options.record:
        text = ",\n".join(f'"{name}": {json.dumps(records[name].json())}' for name in sorted(records))
        RECORD.write_text("{\n" + text + "\n}\n")
    print(f"{failures} archives failed; {len(records)} operators occur")
    return int(failures > 0)


def core_operators() -> set[str]:
    """Names, without overload, of PyTorch's core ATen operators."""
    import torch

    names = set()
    for schema in torch._C._jit_get_all_schemas():
        namespace, _, base = schema.name.partition("::")
        if namespace != "aten" or not hasattr(torch.ops.aten, base):
            continue
        packet = getattr(torch.ops.aten, base)
        overload = getattr(packet, schema.overload_name or "default", None)
        if overload is not None and torch.Tag.core in overload.tags:
            names.add(base)
    return names


# Core operators that give a number from a shape: programs state their results as expressions, so they need no rule.
SYMBOLIC = {"sym_size", "sym_stride", "sym_numel", "sym_storage_offset", "sym_is_contiguous"}


def table(names: list[str], refused: list[str], core: set[str], records: dict[str, Any]) -> str:
    """The document."""
    known = set(names) | SYMBOLIC
    covered = {name for name in core if name in known or name.removesuffix("_") in known}
    lines = [
        "# Operators",
        "",
        "Written by `python Benchmarks/op_coverage.py table`; do not edit. Every overload and in-place form of an operator",
        "counts with it.",
        "",
        f"- {len(names)} operators import.",
        f"- Of the {len(core)} operators that PyTorch tags as core, {len(covered)} import "
        f"({100 * len(covered) / len(core):.1f} %).",
        "- Core operators without a rule: "
        + (", ".join(f"`{n}`" for n in sorted(core - covered - set(refused))) or "none")
        + ".",
        "- Core operators that are refused with a reason (random numbers, shapes that depend on data): "
        + ", ".join(f"`{n}`" for n in sorted((core - covered) & set(refused)))
        + ".",
        "- Refused in the same way outside the core: " + ", ".join(f"`{n}`" for n in refused if n not in core) + ".",
        "",
        "*Archives*: programs of `Benchmarks/operators.py` that contain the operator. *Interpreter*: of these, how many the",
        "interpreter evaluates to what PyTorch recorded. *CPU kernel*: how many also verify as packages. *Types*: element",
        "types of the inputs of verified ones. *Levels*: r as exported, m functional, c core ATen. *Dynamic*: verified with",
        "dynamic extents, at two sizes. A dash: the operator has a rule, and no archive of the table contains it.",
        "",
        "| operator | core | archives | interpreter | CPU kernel | types | levels | dynamic |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        row = records.get(name) or records.get(name + "_")
        mark = "core" if name in core else ""
        if row is None:
            lines.append(f"| `{name}` | {mark} | - | - | - | | | |")
            continue
        levels = "".join(level[0] for level in ("raw", "middle", "core") if level in row["levels"])
        cells = [row["archives"], row["interpreter"], row["kernel"], " ".join(row["types"]), levels]
        cells.append("yes" if row["dynamic"] else "")
        lines.append(f"| `{name}` | {mark} | " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def rendered(hearth: str) -> str:
    """The document as it should be now."""
    done = subprocess.run([hearth, "operators", "--json"], capture_output=True, text=True, check=True)
    known = json.loads(done.stdout)
    records = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    return table(known["imported"], known["refused"], core_operators(), records)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Finds out and documents which operators work.")
    parser.add_argument("--hearth", default=str(ROOT / ".build/release/hearth"))
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("sweep", help="run archives end to end")
    run.add_argument("folder", type=Path)
    run.add_argument("--only", nargs="*", default=[""])
    run.add_argument("--levels", nargs="*", default=["raw", "middle", "core", "dynamic"])
    run.add_argument("--record", action="store_true")
    show = commands.add_parser("table", help="write the document")
    show.add_argument("--check", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.command == "sweep":
        return sweep(options)
    text = rendered(options.hearth)
    if options.check:
        if DOCUMENT.exists() and DOCUMENT.read_text() == text:
            return 0
        print(f"{DOCUMENT} is out of date: run python Benchmarks/op_coverage.py table")
        return 1
    DOCUMENT.write_text(text)
    print(f"wrote {DOCUMENT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
