"""KernelBench's problems: where they are, how one is loaded with other constants, and the sample that is measured.

A problem is a Python file `level1/19_ReLU.py` with a class `Model` and the functions `get_inputs()` and
`get_init_inputs()`. A *size* is an integer that the file fixes for all calls: a constant of the module
(`batch_size = 4096`, an element of `height, width = 64, 64`, or the elements of a list that are equal to each other),
or a literal in `get_inputs` (`"get_inputs 224"`). Only values without names in them are sizes; what is computed from
them follows.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEVELS = (1, 2, 3)
SAMPLE = Path(__file__).resolve().parent / "sample.json"
SEED = 42
"""KernelBench's seed of weights and inputs."""


@dataclass(frozen=True, order=True)
class Problem:
    """One problem of a checkout."""

    level: int
    number: int
    path: Path

    @property
    def key(self) -> str:
        """`1-019`: names its folder and its lines of results."""
        return f"{self.level}-{self.number:03}"

    @property
    def title(self) -> str:
        """`level1/19_ReLU`."""
        return f"{self.path.parent.name}/{self.path.stem}"


def problems(folder: Path, levels: tuple[int, ...] = LEVELS) -> list[Problem]:
    """All problems of a checkout (of its root, or of the folder that holds `level1`), in order."""
    root = folder / "KernelBench" if (folder / "KernelBench").is_dir() else folder
    found = []
    for level in levels:
        for path in (root / f"level{level}").glob("*.py"):
            number = re.match(r"(\d+)_", path.name)
            if number:
                found.append(Problem(level, int(number[1]), path))
    return sorted(found)


def drawn(found: list[Problem], seed: int, each: int) -> dict[str, list[int]]:
    """`each` numbers of every level, drawn with a seed."""
    generator = random.Random(seed)
    levels = sorted({problem.level for problem in found})
    numbers = {level: [p.number for p in found if p.level == level] for level in levels}
    return {str(level): sorted(generator.sample(numbers[level], min(each, len(numbers[level])))) for level in levels}


def sampled(found: list[Problem], sample: Path = SAMPLE) -> list[Problem]:
    """The problems of a sample that was drawn before."""
    levels = json.loads(sample.read_text())["levels"]
    return [problem for problem in found if problem.number in levels.get(str(problem.level), [])]


class Sizes(ast.NodeTransformer):
    """Finds the sizes of a problem's syntax tree and puts others in their places."""

    def __init__(self, given: Mapping[str, int]) -> None:
        self.given = given
        self.found: dict[str, int] = {}

    def value(self, name: str, old: int) -> int:
        self.found[name] = new = self.given.get(name, old)
        return new

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                self.constant(statement)
            elif isinstance(statement, ast.FunctionDef) and statement.name == "get_inputs":
                self.literals(statement)
        return node

    def constant(self, statement: ast.Assign) -> None:
        """One assignment of the module, to one target or to several names (`height = width = 64`)."""
        if any(not isinstance(part, ALLOWED) for part in ast.walk(statement.value)):
            return
        value: Any = eval(compile(ast.Expression(statement.value), "<constant>", "eval"), {})
        target = statement.targets[0]
        if is_whole(value) and all(isinstance(one, ast.Name) for one in statement.targets):
            value = self.value(" = ".join(ast.unparse(one) for one in statement.targets), value)
        elif len(statement.targets) > 1:
            return
        elif isinstance(target, ast.Name) and isinstance(value, (list, tuple)):
            value = type(value)(self.value(f"{target.id} {x}", x) if is_whole(x) else x for x in value)
        elif isinstance(target, ast.Tuple) and isinstance(value, (list, tuple)):
            names = [part.id if isinstance(part, ast.Name) else "" for part in target.elts]
            pairs = list(zip(names, value, strict=False))
            value = tuple(self.value(name, x) if name and is_whole(x) else x for name, x in pairs)
        else:
            return
        statement.value = ast.copy_location(ast.parse(repr(value), mode="eval").body, statement.value)
        ast.fix_missing_locations(statement)

    def literals(self, function: ast.FunctionDef) -> None:
        """The literals of `get_inputs`."""
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and is_whole(node.value):
                node.value = self.value(f"get_inputs {node.value}", node.value)


ALLOWED = (ast.Constant, ast.Tuple, ast.List, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass
class Loaded:
    """The code of a problem, with its sizes as they were given."""

    problem: Problem
    code: types.ModuleType
    sizes: dict[str, int]

    def module(self) -> Any:
        """The model with KernelBench's seed, in the mode in which KernelBench runs it: that of training."""
        import torch

        torch.manual_seed(SEED)
        init = self.code.get_init_inputs()
        torch.manual_seed(SEED)
        with torch.no_grad():
            if isinstance(init, dict):
                return self.code.Model(**init)
            if len(init) == 2 and isinstance(init[0], list) and isinstance(init[1], dict):
                return self.code.Model(*init[0], **init[1])
            return self.code.Model(*init)

    def inputs(self, seed: int = SEED) -> tuple[Any, ...]:
        """The inputs that the problem draws with a seed."""
        import torch

        torch.manual_seed(seed)
        return tuple(self.code.get_inputs())


def load(problem: Problem, sizes: Mapping[str, int] | None = None) -> Loaded:
    """Runs a problem's code with these sizes in the place of its own."""
    tree = ast.parse(problem.path.read_text(), str(problem.path))
    patched = Sizes(sizes or {})
    tree = patched.visit(tree)
    name = f"kernelbench_problem_{problem.level}_{problem.number}"
    code = types.ModuleType(name)
    code.__file__ = str(problem.path)
    sys.modules[name] = code
    exec(compile(tree, str(problem.path), "exec"), vars(code))
    return Loaded(problem, code, patched.found)


def chosen(found: list[Problem], names: list[str] | None) -> Iterator[Problem]:
    """Problems by key (`1-019`), level (`1`) or a part of the title; all without names."""
    for problem in found:
        wanted = (
            name in (problem.key, str(problem.level)) or not name.isdigit() and name in problem.title
            for name in names or [""]
        )  # fmt: skip
        if any(wanted):
            yield problem
