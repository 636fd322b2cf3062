"""`torch.compile(model, backend="hearth")`: graphs that PyTorch captures are computed by packages.

    fast = torch.compile(model, backend="hearth", options={"search": "background"})

Options:

- `search`: `"off"` (default schedules, what a first call waits for), `"now"` (the first call waits for the search too),
  `"background"` (a first call with default schedules; a search goes on and verified kernels are swapped in when it
  ends). By default `"background"`.
- `budget`: seconds of a search; `trials`: candidates of a search.
- `fallback`: whether a graph stays with Inductor where that is clearly faster than what the search found (True). After a
  search in the background the two take turns at the program's calls until that is known. Without it, without a search
  and without a C++ compiler Inductor compiles nothing.
- `threads`, `archive`, `precision`, `weights`, `objective`: as `hearth optimize` takes them.
- `verbose`: show what the compiler says.

A graph is compiled at its first call, when its inputs are known: what PyTorch computes on them is what every package
is held to. Weights are packed into packages; when one was written since (an optimizer's step, `load_state_dict`), the
graph is compiled again at its next call. Calls that a package cannot hold run in PyTorch. `report` of each of
`hearth.backend.graphs()` says what runs, and why. Graphs that compute gradients, and graphs with tensors on several
devices, are handed back to PyTorch. On a GPU graphs are not compared with Inductor.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from operator import is_
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch._dynamo.backends.common import aot_autograd

from hearth import inductor
from hearth.library import InputError
from hearth.loading import one_line
from hearth.programs import lifted
from hearth.splitting import Split, split
from hearth.timing import Turns, beside

__all__ = ["CompiledGraph", "graphs", "hearth"]

log = logging.getLogger("hearth")

SEARCHES = ("off", "now", "background")

OPTIONS: dict[str, type | tuple[type, ...]] = {
    "search": str, "budget": (int, float), "trials": int, "threads": int, "archive": str,
    "precision": str, "weights": str, "objective": str, "fallback": bool, "verbose": bool,
}  # fmt: skip

MOST_VERSIONS = 8
"""Times that a graph is compiled for weights that were written meanwhile; then it stays with PyTorch."""

_graphs: list[weakref.ref[CompiledGraph]] = []


def graphs() -> list[CompiledGraph]:
    """The graphs of this process that were compiled and are still used, in the order of their first calls."""
    return [graph for graph in (reference() for reference in _graphs) if graph is not None]


class Settings:
    """What `options` of `torch.compile` ask for."""

    def __init__(self, options: Mapping[str, Any] | None, device: str = "cpu") -> None:
        given = dict(options or {})
        for name, value in given.items():
            if name not in OPTIONS:
                raise InputError(f"backend hearth has no option '{name}'; its options are {', '.join(OPTIONS)}")
            if not isinstance(value, OPTIONS[name]):
                raise InputError(f"option '{name}' of backend hearth is {value!r}")
        self.search: str = given.pop("search", "background")
        if self.search not in SEARCHES:
            raise InputError(
                f"option 'search' of backend hearth is {self.search!r}; it is one of {', '.join(SEARCHES)}"
            )
        self.verbose: bool = given.pop("verbose", False)
        # Calls on a GPU return before it is done: the clock of the program's calls says nothing of them.
        self.fallback: bool = given.pop("fallback", True) and self.search != "off" and device == "cpu"
        """Whether a graph may stay with Inductor."""
        searching = {name: given.pop(name) for name in ("budget", "trials") if name in given}
        common = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        if device != "cpu":
            common += ["--device", device]
        self.first = ["--trials", "0", *common]
        """Options of a build with default schedules."""
        self.searched = [text for name, value in searching.items() for text in (f"--{name}", str(value))] + common
        """Options of a build with a search."""


def hearth(
    graph: fx.GraphModule, inputs: Sequence[Any], *, options: Mapping[str, Any] | None = None, **unknown: Any
) -> Callable[..., Any]:
    """The backend, as TorchDynamo calls it."""
    if unknown:
        raise InputError(f"backend hearth takes options={{…}}, not {', '.join(unknown)}")
    places = {x.device for x in [*inputs, *graph.parameters(), *graph.buffers()] if isinstance(x, Tensor)}
    device = str(next(iter(places))) if len(places) == 1 else "cpu"
    settings = Settings(options, device.removesuffix(":0"))
    if torch.is_grad_enabled() and any(
        isinstance(x, Tensor) and x.requires_grad for x in [*inputs, *graph.parameters()]
    ):
        log.warning(
            "hearth: a graph that computes gradients runs in PyTorch; "
            "call the model under torch.no_grad() or torch.inference_mode() to have it compiled"
        )
        return graph.forward

    if len(places) > 1 or not device.startswith(("cpu", "cuda")):
        log.warning(
            "hearth: a graph with tensors on %s runs in PyTorch; "
            "this backend compiles graphs whose tensors are all on the processor, or all on one NVIDIA GPU",
            " and ".join(sorted(str(place) for place in places)),
        )
        return graph.forward

    def compiler(inner: fx.GraphModule, _: Sequence[Any]) -> Callable[..., Any]:
        context = torch._guards.TracingContext.try_get()
        metadata = context.fw_metadata if context is not None else None
        static = set(metadata.static_input_indices or []) if metadata is not None else set()
        if metadata is not None:
            static -= {index for index, about in enumerate(metadata.input_info) if about.mutates_data}
        compiled = CompiledGraph(inner, sorted(static), settings)
        _graphs.append(weakref.ref(compiled))
        return boxed(compiled)

    return aot_autograd(fw_compiler=compiler, inference_compiler=compiler)(graph, inputs)


def boxed(compiled: CompiledGraph) -> Callable[..., Any]:
    """The function as AOTAutograd calls it: with a list that it gives away."""

    def call(inputs: list[Any]) -> Any:
        given = tuple(inputs)
        inputs.clear()
        return compiled(given)

    call._boxed_call = True  # type: ignore[attr-defined]
    return call


if "hearth" not in torch._dynamo.list_backends(()):
    # Where the package is not installed, PyTorch knows no entry point of it.
    torch._dynamo.register_backend(hearth, name="hearth")


def version(weight: Tensor) -> int:
    """How often a weight was written; tensors of inference mode do not count."""
    return 0 if weight.is_inference() else weight._version


@dataclass(frozen=True)
class Ready:
    """What runs, and the weights that it was made with."""

    split: Split
    weights: list[Tensor]
    written: list[int]
    """Their versions."""
    places: list[int]
    """The inputs that are passed on."""

    def holds(self, weights: Sequence[Tensor]) -> bool:
        """Whether these are the same weights, perhaps under another name, and nobody wrote them since."""
        if not all(map(is_, weights, self.weights)) and not all(map(is_same_memory, weights, self.weights)):
            return False
        return all(version(weight) == before for weight, before in zip(self.weights, self.written, strict=True))


def is_same_memory(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same elements."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride() and a.dtype == b.dtype


class CompiledGraph:
    """A graph that is compiled at its first call, and again where weights were written since."""

    def __init__(self, graph: fx.GraphModule, static: Sequence[int], settings: Settings) -> None:
        """`static` are the inputs that are parameters and buffers that the graph does not write."""
        self.graph = graph
        self.settings = settings
        self.held = lifted(graph)
        """Tensors of the graph's own, which come first among its inputs."""
        self.static = list(static)
        self.versions = 0
        """How often it was compiled."""
        self.split: Split | None = None
        """What runs; None before the first call, and where weights change too often."""
        self.finding: inductor.Finding | None = None
        """What was found out about Inductor; None before that is known, and where it may not keep the graph."""
        self._folders: list[Path] = []
        self._ready: Ready | None = None
        self._turns: tuple[Turns, Callable[..., Any]] | None = None
        self._lock = threading.Lock()
        self._search: threading.Thread | None = None
        weakref.finalize(self, remove, self._folders)

    @property
    def report(self) -> str:
        """What runs, and why: one line, one more on Inductor where it was asked, and one for each operator that PyTorch
        keeps."""
        if self.finding is not None and self.finding.run is not None:
            return self.finding.sentence
        if self.split is None:
            return f"PyTorch runs it: its weights changed {self.versions} times" if self.versions else "not called yet"
        count, kept = len(self.split.parts), self.split.kept
        packages = f"{count} package{'' if count == 1 else 's'}"
        lines = [f"{packages} and PyTorch run it" if kept else f"{packages} run{'s' if count == 1 else ''} it"]
        if self.finding is not None:
            lines.append(f"  {self.finding.sentence}")
        return "\n".join([*lines, *(f"  {one.sentence}" for one in kept)])

    def __call__(self, inputs: tuple[Any, ...]) -> Any:
        if self.finding is not None and self.finding.run is not None:
            # Weights are inputs of Inductor's function: it takes them as they are now.
            return self.finding.run(*self.held.values(), *inputs)
        turns = self._turns
        if turns is not None and turns[0].is_mine:
            return self._in_turn(*turns, inputs)
        return self._by_packages(inputs)

    def _by_packages(self, inputs: tuple[Any, ...]) -> Any:
        ready = self._ready
        if ready is None or not ready.holds([inputs[i] for i in self.static]):
            ready = self._compile(inputs)
            if ready is None:
                return self.graph(*self.held.values(), *inputs)
        return ready.split.run(*[inputs[i] for i in ready.places])

    def _in_turn(self, turns: Turns, made: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """A call while packages and Inductor's function are compared."""
        begun = time.perf_counter()
        try:
            results = self._by_packages(inputs) if turns.is_ours else made(*self.held.values(), *inputs)
        except Exception as error:
            if turns.is_ours:
                raise
            self._conclude(inductor.finding(f"its function fails: {one_line(error)}"))
            return self._by_packages(inputs)
        found = turns.took(begun, time.perf_counter())
        if found is not None:
            self._conclude(inductor.finding(made, found))
        return results

    def _conclude(self, finding: inductor.Finding) -> None:
        self.finding, self._turns = finding, None
        log.info("hearth: %s", finding.sentence)

    def _compile(self, inputs: tuple[Any, ...]) -> Ready | None:
        with self._lock:
            weights = [inputs[i] for i in self.static]
            # Another thread may have compiled it meanwhile.
            if self._ready is not None and self._ready.holds(weights):
                return self._ready
            if self.versions >= MOST_VERSIONS:
                if self.split is not None:
                    log.warning(
                        "hearth: weights of a graph changed %d times; it runs in PyTorch from now on", self.versions
                    )
                self._ready = self.split = None
                return None
            self.versions += 1
            written = [version(weight) for weight in weights]
            names = [node.name for node in self.graph.graph.find_nodes(op="placeholder")][len(self.held) :]
            constants = {**self.held, **{names[i]: inputs[i] for i in self.static}}
            places = [i for i in range(len(inputs)) if i not in set(self.static)]
            sample = [inputs[i] for i in places]
            options = self.settings.searched if self.settings.search == "now" else self.settings.first
            self.split = self._split(constants, sample, options)
            self._ready = Ready(self.split, weights, written, places)
            if self.settings.search == "now":
                self._compare(self._ready, inputs)
            elif self.settings.search == "background" and (self.split.parts or self.settings.fallback):
                own = [inductor.twin(x) if i in places else x for i, x in enumerate(inputs)]
                self._begin_search(constants, own, self._ready)
            return self._ready

    def _split(self, constants: Mapping[str, Tensor], sample: Sequence[Any], options: Sequence[str]) -> Split:
        folder = Path(tempfile.mkdtemp(prefix="hearth-graph-"))
        self._folders.append(folder)
        return split(copy_of(self.graph), constants, [sample], folder, options, self.settings.verbose)

    def _attempt(self, inputs: Sequence[Any]) -> Callable[..., Any] | str | None:
        """Inductor's function of the graph, or why there is none; None where the question is settled."""
        if not self.settings.fallback or self.finding is not None or self._turns is not None:
            return None
        missing = inductor.missing()
        if missing is not None:
            note_once(f"hearth: graphs are not compared with Inductor: {missing}")
        return inductor.attempt(self.graph, [*self.held.values(), *inputs])

    def _compare(self, ready: Ready, inputs: Sequence[Any]) -> None:
        """Finds out at once whether the graph stays with Inductor."""
        # Compiled in a thread of its own: what AOTAutograd sets for this call would hold for Inductor too.
        with ThreadPoolExecutor(1) as thread:
            made = thread.submit(self._attempt, inputs).result()
        if made is None:
            return
        if isinstance(made, str):
            self._conclude(inductor.finding(made))
            return
        ours = partial(ready.split.run, *[inputs[i] for i in ready.places])
        try:
            found = beside("inductor", ours, partial(made, *self.held.values(), *inputs))
        except Exception as error:
            self._conclude(inductor.finding(f"its function fails: {one_line(error)}"))
            return
        self._conclude(inductor.finding(made, found))

    def _begin_search(self, constants: Mapping[str, Tensor], inputs: Sequence[Any], before: Ready) -> None:
        """Searches beside the program, swaps in what was found if the weights are still the same, and asks Inductor."""
        reference = weakref.ref(self)

        def search() -> None:
            graph = reference()
            if graph is None:
                return
            try:
                sample = [inputs[i] for i in before.places]
                found = graph._split(constants, sample, graph.settings.searched) if before.split.parts else before.split
                with graph._lock:
                    if graph._ready is before:
                        graph.split, graph._ready = found, replace(before, split=found)
                made = graph._attempt(inputs)
                if isinstance(made, str):
                    graph._conclude(inductor.finding(made))
                elif made is not None:
                    graph._turns = (Turns("inductor"), made)
            except Exception as error:  # A search must never end the program that it was to make faster.
                log.warning("hearth: the search in the background ended: %s", error)

        self._search = threading.Thread(target=search, name="hearth-search", daemon=True)
        self._search.start()

    def wait(self) -> None:
        """Waits for the search in the background, if one is under way."""
        if self._search is not None:
            self._search.join()


@cache
def note_once(line: str) -> None:
    """Warns of what holds for every graph of this process."""
    log.warning("%s", line)


def copy_of(graph: fx.GraphModule) -> fx.GraphModule:
    """A graph that may be changed; modules that it holds are shared."""
    nodes = fx.Graph()
    results = nodes.graph_copy(graph.graph, {})
    nodes.output(results)
    return fx.GraphModule(graph, nodes)


def remove(folders: Sequence[Path]) -> None:
    """Removes folders of packages; those that are loaded keep their memory."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@atexit.register
def remove_all() -> None:
    """Removes the folders of all packages when the program ends."""
    for graph in graphs():
        remove(graph._folders)
