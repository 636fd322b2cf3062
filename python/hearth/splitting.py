"""Divides a graph of ATen operators into parts that packages compute and calls that PyTorch keeps.

What a package cannot hold is asked of the compiler (`hearth operators PROGRAM`), never guessed here. Between parts go
tensors; a value that a package cannot take or give (complex tensors, computed sizes) stays with PyTorch.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner
from torch.fx.passes.operator_support import OperatorSupportBase

from hearth import tensorfile
from hearth.drawing import STATE, PackageNumbers, follow
from hearth.loading import one_line
from hearth.programs import NotAProgram, devices, program, save
from hearth.runtime import Package
from hearth.tool import BuildError, build, refused_calls

__all__ = ["Kept", "PackagePart", "Split", "split"]


@dataclass(frozen=True)
class Kept:
    """Calls of an operator that PyTorch runs."""

    operator: str
    count: int
    line: str
    """The first line of model code that calls it."""
    reason: str

    @property
    def sentence(self) -> str:
        """As reports list it."""
        return f"{self.operator}, {self.count} times, first at {self.line}: {self.reason}"


@dataclass(frozen=True)
class Split:
    """A graph of which packages compute what they can."""

    run: Callable[..., Any]
    """Takes the graph's inputs that are not constants, in their order, and returns the graph's outputs."""
    parts: list[PackagePart]
    kept: list[Kept]
    """What PyTorch runs; empty where packages compute all."""
    graph: fx.GraphModule
    """What `run` was made of: the parts, and what PyTorch runs between them."""


class PackagePart(torch.nn.Module):
    """A package in the place of a part of a graph."""

    def __init__(self, package: Package, tensors: Sequence[int], is_single: bool) -> None:
        """`tensors` are the places of the package's inputs among the part's."""
        super().__init__()
        self.package = package
        self.call: Callable[..., Any] = package
        """What runs it; another function while it is timed."""
        self.tensors = tuple(tensors)
        self.is_single = is_single

    def forward(self, *inputs: Any) -> Any:
        results = self.call(*(inputs[place] for place in self.tensors))
        return results if self.is_single or isinstance(results, tuple) else (results,)


class Supported(OperatorSupportBase):
    """Which calls may be parts of packages."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self.kept = kept

    def is_node_supported(self, submodules: Mapping[str, torch.nn.Module], node: fx.Node) -> bool:
        return node.op == "call_function" and node.name not in self.kept


def split(
    graph: fx.GraphModule,
    constants: Mapping[str, Tensor],
    samples: Sequence[Sequence[Any]],
    folder: Path,
    options: Sequence[str],
    verbose: bool = False,
) -> Split:
    """Divides a functional graph and builds a package in `folder` for each part. `constants` are placeholders' names
    with their tensors, `samples` inputs for the others; what PyTorch computes on them is what packages are held to. A
    part that cannot be built stays with PyTorch."""
    whole, kept = divided(graph, reasons(graph, constants))
    names = [node.name for node in whole.graph.find_nodes(op="placeholder")]
    recorder = Recorder(whole)
    for sample in samples:
        given = iter(sample)
        # Random calls are not to notice that they ran once more.
        gpus = [device for device in devices(graph) if device.type == "cuda"]
        with torch.no_grad(), torch.random.fork_rng(devices=gpus):
            recorder.run(*(constants[name] if name in constants else next(given) for name in names))
    parts = []
    for node in whole.graph.find_nodes(op="call_module"):
        inner = whole.get_submodule(node.target)
        assert isinstance(inner, fx.GraphModule)
        weights = {
            own.name: constants[outer.name]
            for own, outer in zip(inner.graph.find_nodes(op="placeholder"), node.args, strict=True)
            if outer.op == "placeholder" and outer.name in constants
        }
        try:
            part = built(inner, weights, recorder.records[node.target], folder / node.target, options, verbose)
        except (BuildError, NotAProgram) as error:
            kept += listed(inner.graph, {}, default=f"its part of the graph was not built: {one_line(error)}")
            continue
        setattr(whole, node.target, part)
        node.args = tuple(outer for outer in node.args if outer.op != "placeholder" or outer.name not in constants)
        parts.append(part)
    # What only packages read is no input any more; what PyTorch still reads is an attribute.
    for node in whole.graph.find_nodes(op="placeholder"):
        if node.name in constants:
            if node.users:
                attribute = f"constant_{node.name}"
                whole.register_buffer(attribute, constants[node.name].detach(), persistent=False)
                with whole.graph.inserting_after(node):
                    node.replace_all_uses_with(whole.graph.get_attr(attribute))
            whole.graph.erase_node(node)
    whole.recompile()
    return Split(whole.forward, parts, kept, whole)


def reasons(graph: fx.GraphModule, constants: Mapping[str, Tensor]) -> dict[str, str]:
    """Why the graph's calls cannot be in a package, by node; empty where the whole graph can."""
    try:
        with tempfile.TemporaryDirectory(prefix="hearth-") as folder:
            path = Path(folder) / "program.pt2"
            save(program(graph, constants), path)
            found = refused_calls(path)
    except (BuildError, NotAProgram) as error:
        return {node.name: one_line(error) for node in graph.graph.nodes if node.op == "call_function"}
    own = devices(graph)
    kept = {
        node.name: "it is computed on another device"
        for node in graph.graph.nodes
        if node.op == "call_function" and not all(x.device in own for x in tensors(node.meta.get("val")))
    }
    nodes = {node.name: node for node in graph.graph.nodes}
    for call in found:
        node = nodes.get(call["node"])
        if node is None:
            continue
        # A program names results where a graph names a call and picks them out of it.
        if is_pick(node):
            node = node.args[0]
        kept[node.name] = call["reason"]
        kept.update({user.name: call["reason"] for user in node.users if is_pick(user)})
    return kept


def tensors(value: Any) -> list[Tensor]:
    """The tensors of a value of a graph."""
    return [one for one in (value if isinstance(value, (tuple, list)) else (value,)) if isinstance(one, Tensor)]


def is_pick(node: fx.Node) -> bool:
    """Whether a node picks a result of a call that has several."""
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"


def divided(graph: fx.GraphModule, kept: dict[str, str]) -> tuple[fx.GraphModule, list[Kept]]:
    """The graph with submodules for what is not `kept`; what crosses between them and the rest are tensors of packages' types."""
    draw_in_turn(graph.graph)
    while True:
        partitioner = CapabilityBasedPartitioner(graph, Supported(kept), allows_single_node_partition=True)
        partitions = partitioner.propose_partitions()
        more: dict[str, str] = {}
        for partition in partitions:
            inside = set(partition.nodes)
            for node in inside:
                if any(user not in inside for user in node.users) and not crosses(node):
                    more[node.name] = "its result leaves a part of the graph and is none that a package gives"
                for source in node.all_input_nodes:
                    if source not in inside and not crosses(source, into=True):
                        more[node.name] = "it takes a value that no package takes"
        if not more:
            break
        kept = kept | more
    whole = partitioner.fuse_partitions(partitions, prefix="hearth_")
    draw_plainly(whole.graph)
    whole.recompile()
    return whole, listed(whole.graph, kept)


def is_random(node: fx.Node) -> bool:
    """Whether a call draws from the generator, so that its place among such calls decides its numbers."""
    return isinstance(node.target, torch._ops.OpOverload) and torch.Tag.nondeterministic_seeded in node.target.tags


def draw_in_turn(graph: fx.Graph) -> None:
    """Lets each random call take the one before it as well, so that no division of the graph changes their order."""
    drawn = [node for node in graph.nodes if is_random(node)]
    for before, node in zip(drawn, drawn[1:], strict=False):
        node.args, node.kwargs, node.target = (before, node.target, node.args, node.kwargs), {}, after


def draw_plainly(graph: fx.Graph) -> None:
    """Makes random calls again what they were before `draw_in_turn`."""
    for node in graph.nodes:
        if node.target is after:
            _, node.target, args, kwargs = node.args
            node.args, node.kwargs = args, dict(kwargs)


def after(before: Any, target: Any, args: Any, kwargs: Any) -> Any:
    """Stands for a random call while its graph is divided; never called."""
    raise AssertionError(f"{target} is called while its graph is divided")


def crosses(node: fx.Node, into: bool = False) -> bool:
    """Whether a value can leave a package, or with `into` enter it."""
    value = node.meta.get("val")
    if isinstance(value, Tensor):
        return not value.is_complex() and value.layout == torch.strided
    if isinstance(value, (tuple, list)):
        return all(not isinstance(one, Tensor) or not one.is_complex() for one in value)
    return into and (node.op == "placeholder" or node.op == "get_attr")


def listed(graph: fx.Graph, kept: Mapping[str, str], default: str | None = None) -> list[Kept]:
    """The graph's calls that are `kept`, or all of them for the reason `default`, by operator."""
    found: dict[str, Kept] = {}
    for node in graph.nodes:
        reason = kept.get(node.name, default)
        if (
            node.op != "call_function"
            or reason is None
            or is_pick(node)
            or not isinstance(node.target, (torch._ops.OpOverload, torch._ops.HigherOrderOperator))
        ):
            continue
        name = str(node.target)
        known = found.get(name)
        found[name] = Kept(name, known.count + 1 if known else 1, known.line if known else model_line(node), reason)
    return list(found.values())


def model_line(node: fx.Node) -> str:
    """The innermost line of model code of a node, as `model.py:12: x = f(x)`."""
    lines = [line.strip() for line in (node.meta.get("stack_trace") or "").splitlines()]
    frames = [i for i, line in enumerate(lines) if line.startswith('File "') and not line.startswith('File "<')]
    if not frames:
        return "no line recorded"
    _, path, rest = lines[frames[-1]].split('"', 2)
    number = "".join(c for c in rest.split("line", 1)[-1].split(",")[0] if c.isdigit())
    code = lines[frames[-1] + 1] if frames[-1] + 1 < len(lines) else ""
    return f"{Path(path).name}:{number}: {code}"


class Recorder(fx.Interpreter):
    """Runs a graph and keeps what its submodules take and give."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.records: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Calls behind it may write into what it takes and gives.
        before = tuple(one.clone() if isinstance(one, Tensor) else one for one in args)
        inner = self.module.get_submodule(target)
        assert isinstance(inner, fx.GraphModule)
        with PackageNumbers() if any(map(is_random, inner.graph.nodes)) else contextlib.nullcontext():
            results = super().call_module(target, args, kwargs)
        after = tuple(one.clone() for one in (results if isinstance(results, tuple) else (results,)))
        self.records.setdefault(target, []).append((before, after))
        return results


def built(
    inner: fx.GraphModule,
    weights: Mapping[str, Tensor],
    records: Sequence[tuple[tuple[Any, ...], Any]],
    folder: Path,
    options: Sequence[str],
    verbose: bool,
) -> PackagePart:
    """Builds the package of a part, held to what PyTorch computed on the recorded inputs."""
    folder.mkdir(parents=True)
    is_single = not isinstance(inner.graph.output_node().args[0], (tuple, list))
    placeholders = inner.graph.find_nodes(op="placeholder")
    own = [place for place, node in enumerate(placeholders) if node.name not in weights]
    recorded: dict[str, Tensor] = {}
    for number, (inputs, outputs) in enumerate(records):
        prefix = f"set.{number}." if number else ""
        taken = [inputs[place] for place in own]
        recorded.update({f"{prefix}input.{i}": x.detach() for i, x in enumerate(taken) if isinstance(x, Tensor)})
        recorded.update({f"{prefix}output.{i}": y.detach() for i, y in enumerate(outputs)})
        if any(map(is_random, inner.graph.nodes)):
            recorded[f"{prefix}state.{STATE}"] = PackageNumbers().state()
    save(program(inner, weights), folder / "program.pt2")
    tensorfile.write(folder / "golden.safetensors", recorded)
    output = folder / "part.hearth"
    build(
        folder / "program.pt2",
        output,
        ["--inputs", str(folder / "golden.safetensors"), "--sets", str(len(records)), *options],
        verbose,
    )
    taken = [place for place, at in enumerate(own) if isinstance(records[0][0][at], Tensor)]
    device = options[options.index("--device") + 1] if "--device" in options else None
    return PackagePart(follow(Package.load(output, device=device, verified=False)), taken, is_single)
