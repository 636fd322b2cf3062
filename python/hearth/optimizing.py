"""`hearth.optimize(module, args)`: a module that is called as the given one and computed by a package."""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from hearth import tensorfile
from hearth.capture import capture_source
from hearth.comparing import compared, modes_of
from hearth.dims import check_source
from hearth.library import HearthError, InputError
from hearth.loading import ModelError, Source, split_inputs
from hearth.optimized import OptimizedModule
from hearth.program_parts import SplitProgram
from hearth.runtime import Package
from hearth.structure import Structure
from hearth.tool import build, refused_calls

__all__ = ["CaptureError", "export", "load", "optimize"]


class CaptureError(HearthError):
    """PyTorch cannot capture the module: which line of it, why, and what helps."""


def optimize(
    module: nn.Module,
    args: Any,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
    *,
    samples: Iterable[Any] = (),
    budget: float | None = None,
    trials: int | None = None,
    precision: str | None = None,
    layer_error: float | None = None,
    calibration: Iterable[Any] = (),
    weights: str | None = None,
    objective: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    archive: str | os.PathLike[str] | None = None,
    only_changed: bool = False,
    against: str | None = "all",
    fallback: bool = True,
    verbose: bool = False,
) -> OptimizedModule:
    """Compiles a module and returns its drop-in: the same calls, the same nesting of results.

    `args` (a tensor or a tuple) and `kwargs` are example inputs. `dynamic_shapes` are what `torch.export` takes, or
    names in the place of its dimensions: `{"x": {0: ("batch", 1, 64)}}`. `samples` are further realistic inputs, each
    as `args` or a dict of keywords; packages are held to what the module computes on all of them. `budget` (seconds)
    and `trials` (0: default schedules) bound the search; `against` names the modes of PyTorch that the package must
    beat (`"all"`, `"eager,compile"`; None compares with none), and where it does not by more than 2 % the fastest of
    them runs, with Inductor where it is one that compiles, unless `fallback` is False. With a `precision` ("bf16",
    "fp16", "tf32", "tf32-convolutions", "int8") products whose own error is beyond `layer_error` percent stay as they
    are; for "int8" the ranges of activations follow from `calibration`, samples as `samples` are, where that is
    accurate enough. With `only_changed` kernels that an earlier search in the `archive` has come to an end with are
    taken as they ended. The others are options of `hearth optimize`.

    Calls that a package cannot hold run in PyTorch, compiled by Inductor where that is measured to be faster and
    `against` names a mode that compiles, unless `fallback` is False; `report` of the result lists them. Throws
    `CaptureError` where PyTorch cannot capture the module, `BuildError` where no package can be built, and `InputError`
    for weights of a GPU."""
    samples = list(samples)
    elsewhere = next((x.device for x in [*module.parameters(), *module.buffers()] if x.device.type != "cpu"), None)
    if elsewhere is not None:
        raise InputError(
            f"the module's weights are on {elsewhere}; give a module on the processor, and device='cuda' for a package that runs on a GPU"
        )
    modes = modes_of(against)
    options = flags(
        budget=budget, trials=trials, precision=precision, layer_error=layer_error, weights=weights,
        objective=objective, device=device, threads=threads, archive=archive, only_changed=only_changed,
    )  # fmt: skip
    work = Path(tempfile.mkdtemp(prefix="hearth-optimize-"))
    try:
        options += calibrating(calibration, args, kwargs, work / "calibration.safetensors")
        # A program that draws random numbers is run for its truth; the caller's generator must not notice.
        with torch.random.fork_rng(devices=[]):
            program, name = captured(module, args, kwargs, dynamic_shapes, samples, work / type(module).__name__)
            structure = Structure.of(program)
            refused = refused_calls(work / name / "model.pt2")
            if refused:
                inputs = sample_inputs(args, kwargs, samples)
                parts = SplitProgram(program, structure, inputs, work / "parts", options, verbose)
                if fallback and any(mode != "eager" for mode in modes):
                    parts.settle_rest()
                result = OptimizedModule(parts, module, fallback, structure=structure)
                result.decide(compared(result, module, modes, *inputs[0]), fallback)
            else:
                output = work / f"{name}.hearth"
                sets = 2 + len(samples)
                build(work / name, output, ["--sets", str(sets), *options, *flags(against=against)], verbose)
                structure.write(output)
                result = OptimizedModule(output, module, fallback, structure=structure)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    weakref.finalize(result, shutil.rmtree, work, True)
    return result


def export(
    module: nn.Module,
    args: Any,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
    *,
    path: str | os.PathLike[str],
    samples: Iterable[Any] = (),
) -> Path:
    """Writes what `hearth optimize PATH` takes: a folder with the captured program, example inputs and PyTorch's
    outputs. Throws `CaptureError`."""
    folder = Path(path)
    captured(module, args, kwargs, dynamic_shapes, samples, folder)
    return folder


def load(
    path: str | os.PathLike[str], module: nn.Module | None = None, fallback: bool = True, **settings: Any
) -> OptimizedModule:
    """A drop-in from a package; `module` is what runs where the package is no gain, and may be left out. `settings`
    are those of `Package.load`."""
    package = Package.load(path, **settings) if settings or module is None else path
    return OptimizedModule(package, module, fallback, structure=Structure.read(path))


def flags(**settings: Any) -> list[str]:
    """Options of the command; what is None is left to it, and what is True stands alone."""
    options: list[str] = []
    for name, value in settings.items():
        if value is not None and value is not False:
            options += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return options


def calibrating(samples: Iterable[Any], args: Any, kwargs: dict[str, Any] | None, file: Path) -> list[str]:
    """Writes samples that ranges follow from to a file; the options that name it, none without samples."""
    calls = sample_inputs(args, kwargs, samples)[1:]
    if not calls:
        return []
    tensors = {}
    for index, call in enumerate(calls):
        prefix = f"set.{index}." if index else ""
        leaves = enumerate(pytree.tree_leaves(call))
        tensors.update({f"{prefix}input.{place}": x for place, x in leaves if isinstance(x, torch.Tensor)})
    tensorfile.write(file, tensors)
    return ["--calibration", str(file)]


def sample_inputs(
    args: Any, kwargs: dict[str, Any] | None, samples: Iterable[Any]
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The example inputs and the further ones, as arguments and keywords."""
    first = split_inputs(args, "args")[0] if not isinstance(args, dict) else ()
    return [
        (first, {**(args if isinstance(args, dict) else {}), **(kwargs or {})}),
        *(split_inputs(one, "samples") for one in samples),
    ]


def captured(
    module: nn.Module,
    args: Any,
    kwargs: dict[str, Any] | None,
    dynamic_shapes: Any,
    samples: Iterable[Any],
    folder: Path,
) -> tuple[ExportedProgram, str]:
    """Captures a module into a folder; returns its program and its name."""
    given = list(samples)
    inputs = sample_inputs(args, kwargs, given)
    folder.mkdir(parents=True, exist_ok=True)
    name = type(module).__name__
    source = Source(
        module, inputs[0][0], inputs[0][1], dynamic_shapes, file_of(module), name,
        lambda seed: given[seed - 1] if seed <= len(given) else None,
    )  # fmt: skip
    is_training = module.training
    module.eval()
    try:
        check_source(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report, program = capture_source(source, name, folder, "middle", 1 + len(given), 0)
    except ModelError as error:
        raise CaptureError(str(error)) from None
    finally:
        module.train(is_training)
    for note in report["notes"]:
        warnings.warn(f"'{name}': {note}", stacklevel=3)
    return program, name


def file_of(module: nn.Module) -> Path:
    """Where a module's class is written, for errors to name lines of it."""
    try:
        return Path(inspect.getfile(type(module)))
    except (TypeError, OSError):
        return Path.cwd() / "model.py"
