"""Graphs of ATen operators as programs that the compiler reads.

PyTorch's compilers are given graphs whose values carry what they are (`node.meta["val"]`, tensors without memory),
and whose parameters are inputs like others. `program` makes an exported program of such a graph: `torch.export.save`
writes it, `hearth optimize` reads it (`../shared/design/pt2-format.md` says what is in the file).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ConstantArgument,
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    SymIntArgument,
    TensorArgument,
)
from torch.utils import _pytree as pytree

__all__ = ["NotAProgram", "devices", "lifted", "program", "save"]


class NotAProgram(Exception):
    """A graph of which no exported program can be made, with the reason."""


def argument(node: Any) -> TensorArgument | SymIntArgument | ConstantArgument:
    """What an input or output is in a program's signature."""
    if not isinstance(node, fx.Node):
        return ConstantArgument(name="", value=node)
    value = node.meta.get("val")
    if isinstance(value, Tensor):
        return TensorArgument(name=node.name)
    if isinstance(value, (torch.SymInt, int)) and not isinstance(value, bool):
        return SymIntArgument(name=node.name)
    if value is None:
        return ConstantArgument(name=node.name, value=None)
    raise NotAProgram(f"'{node.name}' is neither a tensor nor an integer but {type(value).__name__}")


def program(graph: fx.GraphModule, constants: Mapping[str, Tensor]) -> ExportedProgram:
    """The exported program of a functional graph of ATen operators: placeholders that `constants` names are weights,
    the others are inputs, in their order. The graph is left as it is. Throws `NotAProgram`."""
    graph = copied(graph)
    inputs: list[InputSpec] = []
    user: list[fx.Node] = []
    for node in graph.graph.find_nodes(op="placeholder"):
        if node.name in constants:
            inputs.append(
                InputSpec(kind=InputKind.BUFFER, arg=TensorArgument(node.name), target=node.name, persistent=True)
            )
        else:
            inputs.append(InputSpec(kind=InputKind.USER_INPUT, arg=argument(node), target=None))
            user.append(node)
    results = graph.graph.output_node().args[0]
    results = tuple(results) if isinstance(results, (tuple, list)) else (results,)
    outputs = [OutputSpec(kind=OutputKind.USER_OUTPUT, arg=argument(node), target=None) for node in results]
    in_spec = pytree.tree_structure((tuple(0 for _ in user), {}))
    out_spec = pytree.tree_structure(tuple(0 for _ in results))
    signature = ModuleCallSignature(
        inputs=[argument(node) for node in user],
        outputs=[argument(node) for node in results],
        in_spec=in_spec,
        out_spec=out_spec,
    )
    exported = ExportedProgram(
        root=graph,
        graph=graph.graph,
        graph_signature=ExportGraphSignature(inputs, outputs),
        state_dict={name: dense(tensor) for name, tensor in constants.items()},
        range_constraints=ranges(graph),
        module_call_graph=[ModuleCallEntry("", signature)],
        constants={},
    )
    if any(device.type != "cpu" for device in devices(graph)):
        # The compiler reads programs of the processor; where a package runs is an option of its build.
        from torch.export.passes import move_to_device_pass

        exported = move_to_device_pass(exported, "cpu")
    return exported


def devices(graph: fx.GraphModule) -> set[torch.device]:
    """Where the tensors are that a graph takes."""
    values = [node.meta.get("val") for node in graph.graph.find_nodes(op="placeholder")]
    return {value.device for value in values if isinstance(value, Tensor)}


def copied(graph: fx.GraphModule) -> fx.GraphModule:
    """A copy whose result is a tuple, as programs have it."""
    nodes = fx.Graph()
    results = nodes.graph_copy(graph.graph, {})
    nodes.output(tuple(results) if isinstance(results, (tuple, list)) else (results,))
    for node in nodes.nodes:
        # Facts of other passes that the serialiser does not take; values and lines of model code stay.
        node.meta = {name: node.meta[name] for name in ("val", "stack_trace") if name in node.meta}
    return fx.GraphModule(graph, nodes)


def lifted(graph: fx.GraphModule) -> dict[str, Tensor]:
    """Makes placeholders of the tensors that a graph holds itself, in place, and returns them by name."""
    held: dict[str, Tensor] = {}
    first = next(iter(graph.graph.nodes))
    for node in graph.graph.find_nodes(op="get_attr"):
        owner: Any = graph
        for step in node.target.split("."):
            owner = getattr(owner, step)
        if not isinstance(owner, Tensor):
            continue
        with graph.graph.inserting_before(first):
            placeholder = graph.graph.placeholder(node.name)
        placeholder.meta = {**node.meta, "val": node.meta.get("val", owner)}
        node.replace_all_uses_with(placeholder)
        graph.graph.erase_node(node)
        held[placeholder.name] = owner
    graph.recompile()
    return held


def dense(tensor: Tensor) -> Tensor:
    """A weight as it is stored: without a history, of its own class, in memory of its own where it shows part of a larger one."""
    plain = tensor.detach()
    plain = plain.as_subclass(Tensor) if type(plain) is not Tensor else plain
    return plain if plain.untyped_storage().nbytes() == plain.nbytes else plain.clone()


def ranges(graph: fx.GraphModule) -> dict[Any, Any]:
    """The symbols of a graph's values with their ranges."""
    found: dict[Any, Any] = {}
    for node in graph.graph.nodes:
        value = node.meta.get("val")
        sizes: Sequence[Any] = (
            [value] if isinstance(value, torch.SymInt) else value.shape if isinstance(value, Tensor) else ()
        )
        for size in sizes:
            if isinstance(size, torch.SymInt):
                known = size.node.shape_env.var_to_range
                found.update({symbol: known[symbol] for symbol in size.node.expr.free_symbols if symbol in known})
    return found


def save(exported: ExportedProgram, path: Path) -> None:
    """Writes the program. The archive's root folder takes the file's stem, so the unfinished file has its final name
    in another folder. Throws `NotAProgram`."""
    with tempfile.TemporaryDirectory(prefix=".partial.", dir=path.parent) as partial:
        try:
            torch.export.save(exported, Path(partial) / path.name)
        except Exception as error:  # PyTorch's serialiser throws what it likes.
            raise NotAProgram(f"PyTorch does not write the graph: {str(error).splitlines()[0]}") from error
        (Path(partial) / path.name).replace(path)
