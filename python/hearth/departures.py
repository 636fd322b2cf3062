"""Operators that PyTorch computes otherwise in its own decomposition than in eager mode."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

__all__ = ["departures"]

Decompose = Callable[[ExportedProgram], ExportedProgram]


def departures(
    traced: ExportedProgram,
    decompose: Decompose,
    program: ExportedProgram,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[str]:
    """A line for each operator whose decomposition gives other numbers than the operator itself, where `program`, which
    is `decompose(traced)`, gives other results than `traced`; random programs are not compared."""
    kept = targets(program)
    if any(torch.Tag.nondeterministic_seeded in target.tags for target in kept):
        return []

    # Every run begins with the state that the programs have, and leaves it so.
    states = [
        (whole.state_dict[name], whole.state_dict[name].clone())
        for whole in (traced, program)
        for name in program.graph_signature.buffers_to_mutate.values()
    ]

    def run(call: Callable[..., Any]) -> list[Any]:
        inputs = copy.deepcopy((args, kwargs))
        try:
            return copy.deepcopy(pytree.tree_leaves(call(*inputs[0], **inputs[1])))
        finally:
            for state, before in states:
                state.copy_(before)

    with torch.no_grad():
        if all(agree(a, b) for a, b in zip(run(traced.module()), run(program.module()), strict=True)):
            return []
        finder = Finder(traced.module(), decompose, kept)
        run(lambda *args, **kwargs: finder.run(*pytree.tree_leaves((args, kwargs))))
    return finder.found


def targets(program: ExportedProgram) -> set[torch._ops.OpOverload]:
    """The operators that it calls."""
    return {n.target for n in program.graph.nodes if isinstance(n.target, torch._ops.OpOverload)}


def agree(a: Any, b: Any) -> bool:
    """Whether two results differ by no more than rounding may explain."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return bool(a == b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not (a.is_floating_point() or a.is_complex()):
        return torch.equal(a, b)
    bound = 1e-3 if a.dtype in (torch.float32, torch.float64, torch.complex64, torch.complex128) else 5e-2
    largest = a[a.isfinite()].abs().max().item() if a.isfinite().any() else 0.0
    return torch.allclose(a, b, rtol=bound, atol=bound * largest, equal_nan=True)


class Finder(fx.Interpreter):
    """Runs a program and each of its operators that is decomposed once more, as decomposed."""

    def __init__(self, module: fx.GraphModule, decompose: Decompose, kept: set[torch._ops.OpOverload]) -> None:
        super().__init__(module)
        self.decompose, self.kept = decompose, kept
        self.found: list[str] = []

    def run_node(self, n: fx.Node) -> Any:
        if n.op != "call_function" or not isinstance(n.target, torch._ops.OpOverload) or n.target in self.kept:
            return super().run_node(n)
        given = copy.deepcopy(self.fetch_args_kwargs_from_env(n))
        result = super().run_node(n)
        leaves, spec = pytree.tree_flatten(given)
        target = n.target

        class Alone(nn.Module):
            def forward(self, *tensors: Tensor) -> Any:
                rest = iter(tensors)
                args, kwargs = pytree.tree_unflatten([next(rest) if isinstance(x, Tensor) else x for x in leaves], spec)
                return target(*args, **kwargs)

        tensors = tuple(x for x in leaves if isinstance(x, Tensor))
        alone = self.decompose(torch.export.export(Alone(), tensors, strict=False)).module()
        decomposed = pytree.tree_leaves(alone(*tensors))
        if not all(agree(a, b) for a, b in zip(pytree.tree_leaves(result), decomposed, strict=True)):
            lines = re.findall(r'File "([^"]+)", line (\d+), in \w+\n\s+(.*)', n.meta.get("stack_trace") or "")
            own = [x for x in lines if "site-packages" not in x[0]]
            where = f" (at {own[-1][0]}:{own[-1][1]}: {own[-1][2].strip()})" if own else ""
            self.found.append(
                f"PyTorch's decomposition of {target} gives other numbers than the operator itself{where}; "
                "a package computes the decomposition and is held to the operator"
            )
        return result
