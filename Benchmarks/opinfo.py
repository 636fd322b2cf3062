"""Holds packages to PyTorch's own samples of every core ATen operator, forward only.

    python Benchmarks/opinfo.py run DIR [--only OP …] [--dtypes f32 …] [--most N] [--seconds S]
    python Benchmarks/opinfo.py table DIR [--output FILE]

`run` appends a line to DIR/results.jsonl for each OpInfo and element type, and leaves out what is there already. All samples of
one line become a few programs: the graphs of their calls side by side, their tensors as inputs. A call that the compiler
refuses, and a sample that it names in an error, leave the program; where it names none, the program is halved until the
culprit stands alone. Each program is imported, built without search and run; its results and the interpreter's are
compared with PyTorch's in double precision (`opinfo_samples.difference`). `table` writes the summary.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "python")]

import torch  # noqa: E402
from hearth import tensorfile  # noqa: E402
from hearth.programs import program, save  # noqa: E402
from hearth.tool import tool  # noqa: E402
from op_coverage import core_operators  # noqa: E402
from opinfo_samples import COMPLEX, DTYPES, Sample, capture, core_infos, difference, samples, tied  # noqa: E402
from opinfo_table import key, summary  # noqa: E402
from torch import Tensor, fx  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

TABLE = ROOT / "Benchmarks/results/2026-11-23-opinfo.md"
TOGETHER = 100  # Samples of a program.
LIMIT = 240.0  # Seconds that a command may take.


@dataclass
class Failure:
    """Why a sample does not count."""

    stage: str
    """`capture`, `import`, `build`, `run`, `interpreter` (and so the kernels as well) or `kernel`."""
    reason: str
    example: str


@dataclass
class Row:
    """What became of an OpInfo's samples of one element type."""

    op: str
    core: list[str]
    dtype: str
    samples: int = 0
    imported: int = 0
    agreed: int = 0
    free: int = 0
    """Agreed, of which only types and shapes could be compared."""
    own: int = 0
    """Agreed, which took PyTorch's own deviation from double precision."""
    seconds: float = 0.0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def note(self, failure: Failure | None) -> None:
        """Counts a failure by its reason without names and numbers."""
        if failure is None:
            self.agreed += 1
            return
        for known in self.failures:
            if known["stage"] == failure.stage and key(known["reason"]) == key(failure.reason):
                known["count"] += 1
                return
        self.failures.append({**vars(failure), "count": 1})


def joined(group: Sequence[Sample]) -> tuple[Any, list[Tensor]]:
    """One program of the samples' graphs, and its inputs. Values of sample N are named `sN_…`."""
    graph = fx.Graph()
    values: dict[fx.Node, fx.Node] = {}
    constants: dict[str, Tensor] = {}
    inputs: list[Tensor] = []
    for sample in group:
        assert sample.graph is not None
        given = iter(sample.tensors)
        for node in sample.graph.graph.find_nodes(op="placeholder"):
            copy = graph.placeholder(f"s{sample.number}_{node.name}")
            copy.meta = {"val": node.meta["val"]}
            values[node] = copy
            if node.name in sample.constants:
                constants[copy.name] = sample.constants[node.name]
            else:
                inputs.append(next(given))
    results: list[fx.Node] = []
    for sample in group:
        assert sample.graph is not None
        for node in sample.graph.graph.nodes:
            if node.op == "output":
                results += [values[one] for one in node.args[0]]
            elif node.op != "placeholder":
                values[node] = graph.node_copy(node, values.__getitem__)
                values[node].name = f"s{sample.number}_{node.name}"
    graph.output(tuple(results))
    return program(fx.GraphModule(torch.nn.Module(), graph), constants), inputs


def command(*arguments: str | Path) -> tuple[int, str, str]:
    """Runs `hearth`: exit code (-1: too slow), output, complaints."""
    try:
        done = subprocess.run([tool(), *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return -1, "", f"hearth: {arguments[0]} took more than {LIMIT:.0f} s"
    return done.returncode, done.stdout, done.stderr


def complaint(code: int, errors: str) -> str:
    """The line of what a command printed that says why it failed."""
    said = [line for line in errors.splitlines() if line.startswith("hearth: ")]
    if said:
        return said[-1].removeprefix("hearth: ")[:400]
    fatal = [line for line in errors.splitlines() if "atal error" in line]
    return (fatal[-1] if fatal else f"ended with {code}")[:400]


def culprits(text: str, group: Sequence[Sample]) -> set[int]:
    """The samples of a group that a text names."""
    named = {int(number) for number in re.findall(r"\bs(\d+)_\w", text)}
    return named & {sample.number for sample in group}


class Judge:
    """Judges samples by building packages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.imported: set[int] = set()
        self.own: set[int] = set()

    def judge(self, group: Sequence[Sample], written: Any = None) -> dict[int, Failure | None]:
        """What is wrong with each sample of a group; `written` is the program of a single one, where it has no graph."""
        if not group:
            return {}
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        path, golden = self.folder / "program.pt2", self.folder / "golden.safetensors"
        try:
            exported, inputs = (written, group[0].tensors) if written is not None else joined(group)
            save(exported, path)
        except Exception as error:  # PyTorch's serialiser throws what it likes.
            return self.blamed("capture", f"PyTorch does not write it: {brief(error)}", str(error), group, written)
        tensorfile.write(golden, {f"input.{place}": tensor for place, tensor in enumerate(inputs)})
        code, output, errors = command("operators", path, "--json")
        try:
            refused = json.loads(output)["refused"]
        except (json.JSONDecodeError, KeyError):
            return self.blamed("import", complaint(code, errors), errors, group, written)
        if refused:
            return self.without(group, refused, written)
        package = self.folder / "package.hearth"
        flags = ["--trials", "0", "--sets", "1", "--threads", "1", "--plain"]
        code, _, errors = command("optimize", path, "-i", golden, "-o", package, *flags)
        if code:
            stage = "build" if "evaluating" in errors else "import"
            return self.blamed(stage, complaint(code, errors), errors, group, written)
        self.imported |= {sample.number for sample in group}
        outputs = self.folder / "out.safetensors"
        code, _, errors = command("run", package, "-i", golden, "-o", outputs, "--threads", "1")
        if code:
            return self.blamed("run", complaint(code, errors), errors, group, written)
        return self.compared(group, tensorfile.read(outputs), tensorfile.read(package / "golden.safetensors"))

    def without(self, group: Sequence[Sample], refused: list[Any], written: Any) -> dict[int, Failure | None]:
        """Judges a group without the samples whose calls are refused."""
        found: dict[int, Failure | None] = {}
        for call in refused:
            numbers = culprits(call["node"], group) or ({group[0].number} if len(group) == 1 else set())
            for sample in group:
                if sample.number in numbers and sample.number not in found:
                    reason = f"{call['operator']}: {call['reason']}"
                    found[sample.number] = Failure("import", reason, sample.text)
        if not found:
            return self.blamed("import", str(refused[0]), "", group, written)
        return found | self.judge([sample for sample in group if sample.number not in found])

    def blamed(
        self, stage: str, reason: str, errors: str, group: Sequence[Sample], written: Any
    ) -> dict[int, Failure | None]:
        """Judges a group again in parts after a program of all failed."""
        if len(group) == 1:
            return {group[0].number: Failure(stage, reason, group[0].text)}
        numbers = culprits(reason, group)
        if len(numbers) == 1:
            alone = [sample for sample in group if sample.number in numbers]
            return self.judge(alone) | self.judge([sample for sample in group if sample.number not in numbers])
        half = len(group) // 2
        return self.judge(group[:half]) | self.judge(group[half:])

    def compared(
        self, group: Sequence[Sample], given: dict[str, Tensor], golden: dict[str, Tensor]
    ) -> dict[int, Failure | None]:
        """Compares a package's outputs and the interpreter's, by the outputs' places."""
        found: dict[int, Failure | None] = {}
        place = 0
        for sample in group:
            found[sample.number] = None
            for index, (own, truth) in enumerate(zip(sample.own, sample.truth, strict=True)):
                result = given[f"output.{place}"]
                evaluated = golden.get(f"truth.{place}")
                place += 1
                if sample.free:
                    right = result.dtype == own.dtype and result.shape == own.shape
                    wrong = None if right else "another type or shape"
                else:
                    wrong, beside = difference(result, own, truth)
                    if wrong is None and beside:
                        self.own.add(sample.number)
                    if wrong is not None and index == 1 and sample.ties and result.dtype == own.dtype == torch.int64:
                        wrong = None if tied(given[f"output.{place - 2}"], result, sample.tensors[0]) else wrong
                if wrong is not None:
                    same = evaluated is None or difference(evaluated.to(own.dtype), own, truth)[0] is None
                    where = f"result {index}: " if len(sample.own) > 1 else ""
                    found[sample.number] = Failure("kernel" if same else "interpreter", where + wrong, sample.text)
                    break
        return found


def brief(error: BaseException) -> str:
    """The first line of an error."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:300]


def judged(op: Any, core: list[str], dtype: str, folder: Path, most: int | None) -> Row:
    """Judges an OpInfo's samples of an element type."""
    row = Row(f"{op.name}:{op.variant_test_name}".rstrip(":"), core, dtype)
    start = time.monotonic()
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    judge = Judge(folder)
    group: list[Sample] = []
    found: dict[int, Failure | None] = {}
    free = set()
    for sample in samples(op, (DTYPES | COMPLEX)[dtype], most):
        row.samples += 1
        try:
            capture(sample, mode)
            group.append(sample)
        except Exception as error:  # PyTorch throws what it likes.
            found |= exported_alone(sample, judge, brief(error))
        if sample.free:
            free.add(sample.number)
        if len(group) == TOGETHER:
            found |= judge.judge(group)
            group = []
    found |= judge.judge(group)
    for number in sorted(found):
        row.note(found[number])
    row.imported = len(judge.imported)
    row.free = sum(found[number] is None for number in free)
    row.own = sum(found[number] is None for number in judge.own)
    row.seconds = round(time.monotonic() - start, 2)
    return row


def exported_alone(sample: Sample, judge: Judge, reason: str) -> dict[int, Failure | None]:
    """Judges a sample that could not be traced, with `torch.export`, which follows values that depend on data."""

    class Call(torch.nn.Module):
        def forward(self, *tensors: Tensor) -> list[Tensor]:
            return sample.call(*tensors)

    try:
        with torch.no_grad():
            written = torch.export.export(Call(), tuple(sample.tensors)).run_decompositions({})
    except Exception as error:  # PyTorch throws what it likes.
        return {sample.number: Failure("capture", f"torch.export: {brief(error)}; tracing: {reason}", sample.text)}
    return judge.judge([sample], written)


def run(options: argparse.Namespace) -> int:
    """The command `run`."""
    options.folder.mkdir(parents=True, exist_ok=True)
    log = options.folder / "results.jsonl"
    done = (
        {(line["op"], line["dtype"]) for line in map(json.loads, log.read_text().splitlines())}
        if log.exists()
        else set()
    )
    infos, _ = core_infos(core_operators())
    deadline = time.monotonic() + options.seconds
    for name, (op, core) in infos.items():
        if options.only and not {name, op.name, *core} & set(options.only):
            continue
        supported = op.supported_dtypes("cpu")
        for dtype, kind in (DTYPES | COMPLEX).items():
            if kind not in supported or (name, dtype) in done or (options.dtypes and dtype not in options.dtypes):
                continue
            if time.monotonic() > deadline:
                print("out of time; run again to go on")
                return 0
            row = judged(op, core, dtype, options.folder / f"work.{os.getpid()}", options.most)
            with log.open("a") as file:
                file.write(json.dumps(vars(row)) + "\n")
            print(f"{name} {dtype}: {row.agreed} of {row.samples} in {row.seconds} s", flush=True)
            for failure in row.failures:
                print(f"    {failure['count']} {failure['stage']}: {failure['reason'][:200]}", flush=True)
    shutil.rmtree(options.folder / f"work.{os.getpid()}", ignore_errors=True)
    return 0


def table(options: argparse.Namespace) -> int:
    """The command `table`."""
    rows = [json.loads(line) for line in (options.folder / "results.jsonl").read_text().splitlines()]
    core = core_operators()
    _, bare = core_infos(core)
    hours = sum(row["seconds"] for row in rows) / 60
    how = (
        f"`python Benchmarks/opinfo.py run DIR`, PyTorch {torch.__version__}, default schedules, one thread; {options.note} "
        f"{hours:.0f} minutes."
    )
    options.output.write_text(summary(rows, bare, len(core), how))
    print(f"wrote {options.output}")
    return 0


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Holds packages to PyTorch's samples of the core operators.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="judge samples")
    one.add_argument("folder", type=Path)
    one.add_argument("--only", nargs="*", default=[], help="OpInfos or core operators")
    one.add_argument("--dtypes", nargs="*", default=[], choices=[*DTYPES, *COMPLEX])
    one.add_argument("--most", type=int, help="samples of an OpInfo and type")
    one.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    two = commands.add_parser("table", help="write the summary")
    two.add_argument("folder", type=Path)
    two.add_argument("--output", type=Path, default=TABLE)
    two.add_argument("--note", default="every sample.", help="what to say about the run")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    return run(options) if options.command == "run" else table(options)


if __name__ == "__main__":
    sys.exit(main())
