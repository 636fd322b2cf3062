"""How a model is called and how its results are nested, which packages, whose inputs and outputs are flat, do not say."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument
from torch.utils import _pytree as pytree

from hearth.library import InputError
from hearth.sizes import Unknown, evaluated, written

__all__ = ["Structure"]

FILE = "structure.json"


@dataclass(frozen=True)
class Structure:
    """Inputs and outputs of a model as PyTorch's pytrees."""

    inputs: pytree.TreeSpec
    """Of (args, kwargs)."""
    outputs: pytree.TreeSpec
    passed: tuple[int, ...]
    """The leaves of the inputs that are passed on, in their order; the others were fixed when the model was captured."""
    integers: tuple[int, ...]
    """Those that are sizes, which packages know by the tensors that have them."""
    fixed: dict[int, Any]
    """Values of the leaves that were fixed."""
    results: tuple[Any, ...]
    """For each leaf of the outputs the place of its tensor among the results as `[place]`, `{"size": …}` where it is a
    size (`hearth.sizes`), or its value."""
    symbols: dict[str, tuple[int, int]]
    """Where the symbols of these sizes are found: the input among those passed on, and its dimension (-1: itself)."""

    @classmethod
    def of(cls, program: ExportedProgram) -> Structure:
        """That of an exported program. Throws `InputError` where it returns a size that cannot be told from its inputs."""
        signature = program.graph_signature
        call = program.module_call_graph[0].signature
        assert call is not None
        leaves = [spec.arg for spec in signature.input_specs if spec.kind is InputKind.USER_INPUT]
        fixed = {i: leaf.value for i, leaf in enumerate(leaves) if isinstance(leaf, ConstantArgument)}
        values = {node.name: node.meta.get("val") for node in program.graph.nodes}
        passed = tuple(i for i in range(len(leaves)) if i not in fixed)
        symbols = places([values.get(leaves[i].name) for i in passed])
        results: list[Any] = []
        given = 0
        for spec in signature.output_specs:
            if spec.kind is not OutputKind.USER_OUTPUT:
                continue
            if isinstance(spec.arg, ConstantArgument):
                results.append(spec.arg.value)
            elif isinstance(spec.arg, SymIntArgument):
                results.append({"size": size(values.get(spec.arg.name), symbols)})
            else:
                results.append([given])
                given += 1
        integers = tuple(i for i in passed if isinstance(leaves[i], SymIntArgument))
        return cls(call.in_spec, call.out_spec, passed, integers, fixed, tuple(results), symbols)

    @cached_property
    def plain(self) -> int:
        """How many tensors a call takes that takes nothing else, by position and not nested; -1 for other calls."""
        args, kwargs = pytree.tree_unflatten(list(range(self.inputs.num_leaves)), self.inputs)
        is_flat = not kwargs and list(args) == list(range(len(args))) == list(self.passed)
        return len(args) if is_flat and not self.integers else -1

    @cached_property
    def is_single(self) -> bool:
        """Whether the result is one tensor by itself."""
        return self.outputs == pytree.tree_structure(0) and self.results == ([0],)

    def flat(self, args: tuple[Any, ...], kwargs: dict[str, Any], forward: Callable[..., Any] | None) -> list[Any]:
        """The leaves to pass on of a call; `forward`'s signature says which argument is which where the call is
        written in another way than the captured one. Throws `InputError` naming the argument."""
        if not kwargs and len(args) == self.plain and all(isinstance(leaf, Tensor) for leaf in args):
            return list(args)
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if spec != self.inputs:
            leaves = self._rearranged(args, kwargs, forward)
        for place, value in self.fixed.items():
            if leaves[place] is not value and leaves[place] != value:
                raise InputError(
                    f"input {self.name(place)} is {leaves[place]!r}, but was {value!r} when the model was captured, "
                    "which fixed it; capture the model again for another value"
                )
        for place in self.passed:
            if leaves[place] is None:
                raise InputError(f"input {self.name(place)} is missing; the model was captured with it")
        return [leaves[place] for place in self.passed]

    def tensors(self, leaves: list[Any]) -> list[Any]:
        """Those of the leaves to pass on that a package takes."""
        if not self.integers:
            return leaves
        return [leaf for place, leaf in zip(self.passed, leaves, strict=True) if place not in self.integers]

    def name(self, leaf: int) -> str:
        """What a leaf of the inputs is called: `[0][1]` or `['mask']`."""
        numbered = pytree.tree_unflatten(list(range(self.inputs.num_leaves)), self.inputs)
        for path, value in pytree.tree_flatten_with_path(numbered)[0]:
            if value == leaf:
                return pytree.keystr(path[1:])
        return str(leaf)

    def _rearranged(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], forward: Callable[..., Any] | None
    ) -> list[Any]:
        captured_args, captured_kwargs = pytree.tree_unflatten(list(range(self.inputs.num_leaves)), self.inputs)
        if forward is None:
            raise InputError(
                f"the model was captured with inputs {self.inputs}; call it with such, not {pytree.tree_structure((args, kwargs))}"
            )
        signature = inspect.signature(forward)
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InputError(f"the inputs do not fit forward(): {error}") from None
        known = signature.bind(*captured_args, **captured_kwargs)
        given.apply_defaults()
        known.apply_defaults()
        leaves: list[Any] = [None] * self.inputs.num_leaves
        for name, places in known.arguments.items():
            numbers, spec = pytree.tree_flatten(places)
            values, own = pytree.tree_flatten(given.arguments[name])
            is_captured = (
                numbers and all(type(number) is int for number in numbers) and self._holds(places, name, known)
            )
            if is_captured and own == spec:
                for number, value in zip(numbers, values, strict=True):
                    leaves[number] = value
            elif is_captured or not equal(places, given.arguments[name]):
                raise InputError(
                    f"input '{name}' is {own}, but the model was captured with {spec}; capture the model again for it"
                )
        return leaves

    def _holds(self, places: Any, name: str, known: inspect.BoundArguments) -> bool:
        """Whether an argument was given in the captured call, so that what is bound to it are numbers of leaves, and no default."""
        captured_args, captured_kwargs = pytree.tree_unflatten(list(range(self.inputs.num_leaves)), self.inputs)
        bound = known.signature.bind(*captured_args, **captured_kwargs)
        return name in bound.arguments

    def nested(self, results: list[Any], inputs: list[Any]) -> Any:
        """Flat results as the model nests them; `inputs` are the leaves that were passed on."""
        if self.is_single:
            return results[0]
        return pytree.tree_unflatten([self._result(leaf, results, inputs) for leaf in self.results], self.outputs)

    def _result(self, leaf: Any, results: list[Any], inputs: list[Any]) -> Any:
        if isinstance(leaf, list):
            return results[leaf[0]]
        if not isinstance(leaf, dict):
            return leaf
        found = {
            name: inputs[place].shape[axis] if axis >= 0 else int(inputs[place])
            for name, (place, axis) in self.symbols.items()
        }
        return evaluated(leaf["size"], found)

    def write(self, folder: Path) -> None:
        """Writes it into a package. Types of nesting that PyTorch cannot write down are left out: then the module
        says how results are nested."""
        try:
            text = json.dumps(
                {
                    "inputs": pytree.treespec_dumps(self.inputs), "outputs": pytree.treespec_dumps(self.outputs),
                    "passed": self.passed, "integers": self.integers, "fixed": {str(k): v for k, v in
                    self.fixed.items()}, "results": self.results, "symbols": self.symbols,
                },
                indent=1,
            )  # fmt: skip
        except (NotImplementedError, TypeError):
            return
        (folder / FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Structure | None:
        """That of a package; None where it holds none that can be read."""
        try:
            found = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
            return cls(
                pytree.treespec_loads(found["inputs"]),
                pytree.treespec_loads(found["outputs"]),
                tuple(found["passed"]),
                tuple(found["integers"]),
                {int(k): v for k, v in found["fixed"].items()},
                tuple(found["results"]),
                {name: (place, axis) for name, (place, axis) in found.get("symbols", {}).items()},
            )
        except (OSError, ValueError, KeyError, TypeError, NotImplementedError):
            return None


def places(values: list[Any]) -> dict[str, tuple[int, int]]:
    """Where each symbol stands by itself among the inputs' values: which input, and its dimension (-1: itself)."""
    found: dict[str, tuple[int, int]] = {}
    for place, value in enumerate(values):
        for axis, extent in enumerate(value.shape) if isinstance(value, Tensor) else [(-1, value)]:
            if isinstance(extent, torch.SymInt) and extent.node.expr.is_Symbol:
                found.setdefault(extent.node.expr.name, (place, axis))
    return found


def size(value: Any, symbols: dict[str, tuple[int, int]]) -> Any:
    """A size as it is written down. Throws `InputError`."""
    expression = value.node.expr if isinstance(value, torch.SymInt) else value
    try:
        text = written(expression)
    except Unknown as error:
        raise InputError(
            f"the module returns a size that the drop-in cannot compute ({error}); return a tensor"
        ) from None
    missing = [str(one) for one in getattr(expression, "free_symbols", ()) if one.name not in symbols]
    if missing:
        raise InputError(f"the module returns a size that hangs on {missing[0]}, which no input shows; return a tensor")
    return text


def equal(a: Any, b: Any) -> bool:
    """Whether two defaults are the same value; tensors are only the same as themselves."""
    if a is b:
        return True
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return False
    return type(a) is type(b) and bool(a == b)
