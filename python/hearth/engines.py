"""The ways to run a model that Hearth is measured against: PyTorch eager and compiled, ONNX Runtime, OpenVINO; and
Hearth's own package, called as PyTorch's model is: with tensors, for new ones.

An engine binds a set of input leaves once, outside the timed calls, to a function without arguments: each library gets
the cheapest call it offers (tensors ready, bindings made, no conversion).
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from hearth.loading import ModelError, load_function, one_line

DTYPES = {"": None, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

COMPILE_MODES: dict[str, str | None] = {
    "compile": None,
    "compile-freezing": None,
    "reduce-overhead": "reduce-overhead",
    "max-autotune": "max-autotune",
    "max-autotune-freezing": "max-autotune",
}


class Unsupported(Exception):
    """This library cannot run this model; one line says why."""


class Engine(Protocol):
    """One model in one mode."""

    def example(self) -> list[Any]:
        """Leaves of the example inputs."""

    def bind(self, leaves: list[Any]) -> Callable[[], Any]:
        """A call of the model on these inputs."""

    def bind_all(self, sets: list[list[Any]]) -> list[Callable[[], Any]]:
        """A call for each input set, in place of those before."""

    def context(self) -> AbstractContextManager[Any]:
        """What must be in force around calls."""

    def tensors(self, result: Any) -> list[Tensor | None]:
        """The leaves of a call's result as tensors; `None` for leaves that are none."""

    def device_times(self, index: int, samples: int, inner: int) -> list[float]:
        """Nanoseconds a call of the device alone for the `index`-th bound inputs, `samples` means of `inner` calls that
        follow each other without waiting; empty where only the wall clock says."""

    def reset(self) -> None:
        """Puts the model's state back to its initial values; throws `Unsupported` where that is impossible."""

    def versions(self) -> dict[str, str]:
        """Versions of the libraries."""


class WallClock:
    """What engines have in common that know no time but the wall's and cannot reset a state."""

    bind: Callable[[list[Any]], Callable[[], Any]]

    def bind_all(self, sets: list[list[Any]]) -> list[Callable[[], Any]]:
        return [self.bind(leaves) for leaves in sets]

    def device_times(self, index: int, samples: int, inner: int) -> list[float]:
        return []

    def reset(self) -> None:
        raise Unsupported("this engine cannot put the model's state back")


class Model:
    """A module with the structure of its inputs."""

    def __init__(self, spec: str, dtype: str, device: str = "cpu") -> None:
        if dtype not in DTYPES:
            raise ModelError(f"unknown element type '{dtype}'; there are: {', '.join(filter(None, DTYPES))}")
        self.program: torch.export.ExportedProgram | None = None
        self.module: nn.Module
        if spec.endswith(".pt2"):
            self.program = load_program(spec)
            self.module = self.program.module()
            if dtype:
                raise ModelError(f"'{spec}': an exported program keeps its element types; leave the type out")
            if self.program.example_inputs is None:
                raise ModelError(f"'{spec}' carries no example inputs; export it with them")
            args, kwargs = self.program.example_inputs
        else:
            source = load_function(spec)
            self.module = source.module.eval()
            args, kwargs = source.args, source.kwargs
        self.leaves, self.structure = pytree.tree_flatten((tuple(args), dict(kwargs)))
        element = DTYPES[dtype]
        if element is not None:
            self.cast(element)
        self.device = torch.device(device)
        if device != "cpu":
            if self.program is not None:
                raise ModelError(f"'{spec}': an exported program stays where it was exported; name a Python function")
            self.module.to(self.device)
            self.leaves = [x.to(self.device) if isinstance(x, Tensor) else x for x in self.leaves]

    def cast(self, dtype: torch.dtype) -> None:
        """Module and floating-point inputs to `dtype`."""
        self.module.to(dtype)
        self.leaves = [x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in self.leaves]

    @property
    def dtypes(self) -> set[torch.dtype]:
        """Element types of the weights."""
        return {p.dtype for p in self.module.parameters()} | {
            x.dtype for x in self.leaves if isinstance(x, Tensor) and x.is_floating_point()
        }

    def arguments(self, leaves: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments from leaves."""
        return pytree.tree_unflatten(leaves, self.structure)

    def exported(self) -> torch.export.ExportedProgram:
        """The module as an exported program."""
        if self.program is None:
            args, kwargs = self.arguments(self.leaves)
            with torch.no_grad():
                self.program = torch.export.export(self.module, args, kwargs or None)
        return self.program


def load_program(path: str) -> torch.export.ExportedProgram:
    """Reads a `.pt2` archive; throws `ModelError`."""
    if not Path(path).is_file():
        raise ModelError(f"'{path}': no such file")
    try:
        return torch.export.load(path)
    except Exception as error:
        raise ModelError(f"'{path}' is no archive of torch.export.save: {one_line(error)}") from None


class TorchEngine(WallClock):
    """PyTorch, eager or compiled. Eager runs in inference mode; compiled code runs without gradients, which is what
    freezing asks for."""

    def __init__(self, model: Model, mode: str) -> None:
        self.model = model
        self.eager = mode == "eager"
        self.started: list[Callable[[], Any]] = []
        model.module.requires_grad_(False)
        self.function: Callable[..., Any] = model.module
        if not self.eager:
            import torch._inductor.config

            if mode == "reduce-overhead" and not torch.cuda.is_available():
                raise Unsupported("without a GPU this is the default mode: all it adds is CUDA graphs")
            torch._inductor.config.freezing = mode.endswith("-freezing")
            if mode.startswith("max-autotune"):
                choose_anew()
            self.function = torch.compile(model.module, mode=COMPILE_MODES[mode])

    def example(self) -> list[Any]:
        return self.model.leaves

    def context(self) -> AbstractContextManager[Any]:
        return torch.inference_mode() if self.eager else torch.no_grad()

    def bind(self, leaves: list[Any]) -> Callable[[], Any]:
        function = self.function
        device = self.model.device
        args, kwargs = self.model.arguments([x.to(device).clone() if isinstance(x, Tensor) else x for x in leaves])
        if device.type == "cpu":
            return lambda: function(*args, **kwargs)
        self.started.append(lambda: function(*args, **kwargs))

        def call() -> Any:
            # A call ends when its results are there.
            result = function(*args, **kwargs)
            torch.cuda.synchronize(device)
            return result

        return call

    def bind_all(self, sets: list[list[Any]]) -> list[Callable[[], Any]]:
        """A call for each input set, in place of those before."""
        self.started = []
        return [self.bind(leaves) for leaves in sets]

    def device_times(self, index: int, samples: int, inner: int) -> list[float]:
        if self.model.device.type == "cpu":
            return []
        with torch.cuda.device(self.model.device):
            return event_times(self.started[index], samples, inner)

    def tensors(self, result: Any) -> list[Tensor | None]:
        return [x.cpu() if isinstance(x, Tensor) else None for x in pytree.tree_leaves(result)]

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}


def event_times(start: Callable[[], Any], samples: int, inner: int) -> list[float]:
    """Nanoseconds between events around `inner` calls that are started one after the other, a call."""
    times = []
    for _ in range(samples):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
        first.record()
        for _ in range(inner):
            start()
        last.record()
        torch.cuda.synchronize()
        times.append(first.elapsed_time(last) * 1e6 / inner)
    return times


def choose_anew() -> None:
    """Makes max-autotune time its candidates in this process: what an earlier one measured, perhaps beside other work,
    must not decide. Compiled candidates are still taken from Inductor's cache."""
    import torch._inductor.config
    from torch._inductor.codecache import CacheBase

    torch._inductor.config.fx_graph_cache = False
    timings: dict[str, Any] = {}
    CacheBase.get_local_cache = lambda _: timings  # type: ignore[method-assign, assignment]
    CacheBase.update_local_cache = lambda _, known: timings.update(known)  # type: ignore[method-assign, assignment]


class OnnxEngine(WallClock):
    """ONNX Runtime on the model as torch.onnx exports it, inputs and outputs bound. Buffers that the model mutates
    become copies: a decode step returns the right logits and leaves its cache as it was."""

    def __init__(self, model: Model, threads: int) -> None:
        if model.dtypes - {torch.float32, torch.float64}:
            raise Unsupported("ONNX Runtime's CPU kernels take float32 only")
        import onnxruntime

        self.model = model
        with tempfile.TemporaryDirectory(prefix="hearth-onnx.") as folder:
            path = to_onnx(model, folder)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [value.name for value in self.session.get_inputs()]
        self.version = onnxruntime.__version__

    def example(self) -> list[Any]:
        return self.model.leaves

    def context(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def bind(self, leaves: list[Any]) -> Callable[[], Any]:
        binding = self.session.io_binding()
        tensors = used_inputs(leaves, self.names, self.model)
        arrays = {name: tensor.detach().clone().contiguous().numpy() for name, tensor in tensors.items()}
        for name, array in arrays.items():
            binding.bind_cpu_input(name, array)
        for output in self.session.get_outputs():
            binding.bind_output(output.name, "cpu")
        run = self.session.run_with_iobinding

        def call(kept: Any = arrays) -> Any:
            run(binding)
            return binding

        return call

    def tensors(self, result: Any) -> list[Tensor | None]:
        return [torch.from_numpy(array.copy()) for array in result.copy_outputs_to_cpu()]

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "onnxruntime": self.version}


class OpenVinoEngine(WallClock):
    """OpenVINO, optimised for latency. A bfloat16 model is converted in float32 and run with the bfloat16 precision
    hint, as OpenVINO's users do; a float32 one is held to float32, which is not the default on CPUs with AMX."""

    def __init__(self, model: Model, threads: int) -> None:
        import openvino

        narrow = torch.bfloat16 in model.dtypes
        if narrow and model.program is not None:
            raise Unsupported("OpenVINO takes bfloat16 models from their Python source, not from a .pt2")
        if narrow:
            model.cast(torch.float32)
        self.model, self.library = model, openvino
        try:
            converted = openvino.convert_model(model.exported())
        except Exception as direct:
            with tempfile.TemporaryDirectory(prefix="hearth-onnx.") as folder:
                try:
                    converted = openvino.convert_model(to_onnx(model, folder))
                except Exception as error:
                    raise Unsupported(f"OpenVINO: {one_line(direct)}; through ONNX: {one_line(error)}") from None
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if narrow else "f32",
        }
        self.compiled = openvino.Core().compile_model(converted, "CPU", settings)

    def example(self) -> list[Any]:
        return self.model.leaves

    def context(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def bind(self, leaves: list[Any]) -> Callable[[], Any]:
        request = self.compiled.create_infer_request()
        names = [port.get_any_name() if port.get_names() else str(i) for i, port in enumerate(self.compiled.inputs)]
        tensors = used_inputs(leaves, names, self.model)
        kept = []
        for index, tensor in enumerate(tensors.values()):
            kept.append(tensor.detach().clone().contiguous().numpy())
            request.set_input_tensor(index, self.library.Tensor(kept[-1], shared_memory=True))

        def call(kept: Any = kept) -> Any:
            request.infer(share_inputs=True, share_outputs=True)
            return request

        return call

    def tensors(self, result: Any) -> list[Tensor | None]:
        count = len(self.compiled.outputs)
        return [torch.from_numpy(result.get_output_tensor(i).data.copy()) for i in range(count)]

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "openvino": self.library.__version__}


class HearthEngine:
    """Hearth's package through its Python runtime, in a session of its own."""

    def __init__(self, path: str, threads: int, device: str, library: str) -> None:
        from hearth.library import HearthError
        from hearth.runtime import Package

        try:
            self.package = Package.load(path, device or None, threads, library=library or None)
            self.session = self.package.session()
        except HearthError as error:
            raise ModelError(str(error)) from None
        self.device = torch.device(self.package.device if self.package.device.startswith("cuda") else "cpu")
        self.bound: list[list[Tensor]] = []

    def example(self) -> list[Any]:
        typical = {f"s{i}": symbol.typical for i, symbol in enumerate(self.package.symbols)}
        return [
            torch.zeros(
                [typical.get(e, 1) if isinstance(e, str) else e for e in port.shape], dtype=getattr(torch, port.dtype)
            )
            for port in self.package.inputs
        ]

    def context(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def bind(self, leaves: list[Any]) -> Callable[[], Any]:
        session = self.session
        tensors = [x.to(self.device).clone() for x in leaves]
        self.bound.append(tensors)
        return lambda: session(*tensors)

    def bind_all(self, sets: list[list[Any]]) -> list[Callable[[], Any]]:
        """A call for each input set, in place of those before."""
        self.bound = []
        return [self.bind(leaves) for leaves in sets]

    def tensors(self, result: Any) -> list[Tensor | None]:
        return [x.cpu() for x in (result if isinstance(result, tuple) else (result,))]

    def device_times(self, index: int, samples: int, inner: int) -> list[float]:
        return self.session.time(*self.bound[index], samples=samples, inner=inner)

    def reset(self) -> None:
        self.session.reset()

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "library": self.package.library}


def to_onnx(model: Model, folder: str) -> str:
    """Writes the model as ONNX and returns the path; throws `Unsupported`."""
    path = str(Path(folder) / "model.onnx")
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model.exported(), f=path, dynamo=True, external_data=True, verbose=False)
    except Exception as error:
        raise Unsupported(f"torch.onnx cannot export it: {one_line(error)}") from None
    return path


def used_inputs(leaves: list[Any], names: list[str], model: Model) -> dict[str, Tensor]:
    """Tensor leaves under the names of a converted model; conversion drops inputs that nothing reads, and keeps the
    names of the exported program."""
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    if len(tensors) == len(names):
        return dict(zip(names, tensors, strict=True))
    known = [n for n in model.exported().graph_signature.user_inputs if isinstance(n, str)]
    by_name = dict(zip(known, tensors, strict=False))
    missing = [name for name in names if name not in by_name]
    if missing:
        raise Unsupported(f"inputs {missing} of the converted model are none of {known}")
    return {name: by_name[name] for name in names}


def input_sets(tensors: Mapping[str, Tensor], example: list[Any]) -> list[list[Any]]:
    """The input sets of a file, set 0 first; leaves that the file lacks keep the example's value. A capture numbers all
    leaves, a package only
    tensors. Throws `ValueError` for a name, element type or rank that does not fit."""
    sets: dict[int, list[Any]] = {0: list(example)}
    places = [place for place, leaf in enumerate(example) if isinstance(leaf, Tensor)]
    if {name for name in tensors if name.startswith("input.")} != {f"input.{i}" for i in range(len(places))}:
        places = list(range(len(example)))
    for name, tensor in tensors.items():
        parts = name.split(".")
        number = 0
        if parts[0] == "set" and len(parts) == 4 and parts[1].isdigit():
            number, parts = int(parts[1]), parts[2:]
        if parts[0] != "input":
            continue
        number_of_leaf = int(parts[1]) if len(parts) == 2 and parts[1].isdigit() else len(places)
        index = places[number_of_leaf] if number_of_leaf < len(places) else -1
        if index < 0 or not isinstance(example[index], Tensor):
            raise ValueError(f"no input is called '{name}'; the model has {len(example)} inputs, from input.0")
        wanted = example[index]
        narrowed = wanted.is_floating_point() and tensor.is_floating_point()
        if (tensor.dtype != wanted.dtype and not narrowed) or tensor.dim() != wanted.dim():
            raise ValueError(
                f"'{name}' is {tensor.dtype} {list(tensor.shape)}, the model takes {wanted.dtype} {list(wanted.shape)}"
            )
        sets.setdefault(number, list(example))[index] = tensor.to(wanted.dtype)
    return [sets[number] for number in sorted(sets)]


def load(spec: str, mode: str, threads: int, dtype: str, device: str = "cpu", library: str = "") -> Engine:
    """The model in the given mode on a device of PyTorch; for Hearth, its package on a device of Hearth, through the
    shared library at `library`. Throws `ModelError` or `Unsupported`."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(threads)
    if mode == "hearth":
        return HearthEngine(spec, threads, device, library)
    if device != "cpu":
        if mode in ("onnxruntime", "openvino"):
            raise Unsupported(f"{mode} is a rival on the CPU only")
        if not torch.cuda.is_available():
            raise Unsupported("PyTorch sees no GPU")
    model = Model(spec, dtype, device)
    if mode == "onnxruntime":
        return OnnxEngine(model, threads)
    if mode == "openvino":
        return OpenVinoEngine(model, threads)
    return TorchEngine(model, mode)
