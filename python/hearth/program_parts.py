"""An exported program of which packages compute what they can, and PyTorch the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument

from hearth.inductor import with_rest
from hearth.library import InputError
from hearth.programs import lifted
from hearth.splitting import Split, split
from hearth.structure import Structure

__all__ = ["SplitProgram"]


class SplitProgram:
    """Takes the flat inputs of a program and gives its tensors; buffers that it writes are its own."""

    def __init__(
        self, program: ExportedProgram, structure: Structure, samples: Sequence[tuple[tuple[Any, ...], dict[str, Any]]], folder: Path,
        options: Sequence[str], verbose: bool = False,
    ) -> None:  # fmt: skip
        """Builds the packages in `folder`, held to what PyTorch computes on `samples`. Throws `InputError` where the
        program writes into an input."""
        signature = program.graph_signature
        written = next((spec for spec in signature.output_specs if spec.kind is OutputKind.USER_INPUT_MUTATION), None)
        if written is not None:
            raise InputError(f"the module writes into its input '{written.target}'; clone it in forward")
        graph = torch.fx.GraphModule(program.graph_module, program.graph)
        held = lifted(graph)
        stored = {**program.constants, **program.state_dict}
        mutated = set(signature.buffers_to_mutate.values())
        constants: dict[str, Tensor] = dict(held)
        self.state: dict[str, Tensor] = {}
        """Buffers that the program writes, by name."""
        order: list[str | None] = []
        placeholders = graph.graph.find_nodes(op="placeholder")
        for spec in signature.input_specs:
            if spec.kind is InputKind.USER_INPUT and isinstance(spec.arg, ConstantArgument):
                # Fixed at capture: nothing reads it.
                graph.graph.erase_node(next(node for node in placeholders if node.name == spec.arg.name))
            elif spec.kind is InputKind.USER_INPUT:
                order.append(None)
            elif spec.target in mutated:
                self.state[spec.target] = stored[spec.target].detach().clone()
                order.append(spec.target)
            else:
                constants[spec.arg.name] = stored[spec.target]
        self._order = order
        """For each input of the graph the buffer that it is, or None for one of the caller's."""
        self._writes = [
            spec.target if spec.kind is OutputKind.BUFFER_MUTATION else None for spec in signature.output_specs
        ]
        self._sizes = {i for i, spec in enumerate(signature.output_specs) if isinstance(spec.arg, SymIntArgument)}
        """The results that are sizes, which the structure computes."""
        leaves = [structure.flat(*sample, None) for sample in samples]
        self.split: Split = split(graph, constants, [self._filled(one) for one in leaves], folder, options, verbose)
        self._example = leaves[0]
        self.share = self._share(self._example)
        """Share of a call's time that is spent in PyTorch, between 0 and 1."""
        self.rest: str | None = None
        """What was found out about Inductor and the calls that PyTorch keeps; None where it was not tried."""

    def settle_rest(self) -> None:
        """Has Inductor compile the calls that PyTorch keeps, where that is measured to be faster."""
        self.split, self.rest = with_rest(self.split, self._filled(self._example))
        self.share = self._share(self._example)

    def __call__(self, *inputs: Any) -> list[Any]:
        results = self.split.run(*self._filled(inputs))
        given = []
        for place, (target, result) in enumerate(zip(self._writes, results, strict=True)):
            if target is not None:
                self.state[target].copy_(result)
            elif place not in self._sizes:
                given.append(result)
        return given

    def _filled(self, inputs: Sequence[Any]) -> list[Any]:
        own = iter(inputs)
        return [next(own) if name is None else self.state[name] for name in self._order]

    def _share(self, inputs: Sequence[Any]) -> float:
        """What PyTorch takes of the quickest of a few calls."""
        before = {name: value.clone() for name, value in self.state.items()}
        best, share = float("inf"), 0.0
        for _ in range(5):
            inside = 0.0

            def timed(run: Any) -> Any:
                def call(*args: Any) -> Any:
                    nonlocal inside
                    start = time.perf_counter()
                    result = run(*args)
                    inside += time.perf_counter() - start
                    return result

                return call

            for part in self.split.parts:
                part.call = timed(part.package)
            start = time.perf_counter()
            self(*inputs)
            total = time.perf_counter() - start
            if total < best:
                best, share = total, 1 - inside / total
        for part in self.split.parts:
            part.call = part.package
        for name, value in before.items():
            self.state[name].copy_(value)
        return share
