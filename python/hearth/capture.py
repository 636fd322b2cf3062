"""Captures a PyTorch model for `hearth optimize FILE.py:FUNCTION`.

    python capture.py FILE.py:FUNCTION OUT_DIR [--level raw|middle|core] [--inputs FILE] [--sets N] [--seed S]

FUNCTION returns `(module, example_inputs)` or `(module, example_inputs, dynamic_dims)`. Example inputs are a tensor, a
tuple (positional) or a dict (keywords). Dynamic dims follow the inputs: `{"x": {0: "batch"}}`, where a dimension is a
name, `(name, minimum, maximum)` or a `torch.export.Dim`. A function `FUNCTION_inputs(seed)` beside it, where there is
one, gives further realistic inputs.

OUT_DIR receives

- `model.pt2`: the exported program, by default after `run_decompositions({})`, which is functional and keeps large
  operators (LSTM, attention, convolution) whole;
- `golden.safetensors`: `input.I` and `output.I`, leaves counted in pytree order (positional before keyword inputs; only
  tensors are stored), as eager PyTorch computed them on the unexported module; `state.NAME`, the buffers that the call
  changed, after it. Further sets are `set.K.input.I` and so on from K = 1. Every set starts from the saved state;
- `capture.json`: what was captured, operator counts, and what failed, why and at which line of the model;
- `capture.log`: what PyTorch printed meanwhile.

Exit codes: 0 done, 1 the model cannot be captured (one line on stderr), 2 usage.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import inspect
import json
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # As a script, this folder comes first on the path, where its file names could hide the user's modules.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

try:
    import torch
except ImportError:
    sys.exit(
        f"error: {sys.executable} has no torch; choose another Python with --python or HEARTH_PYTHON, or make one "
        "with dev/setup-venv"
    )
import torch._dynamo.exc
from torch import Tensor, nn
from torch.export.graph_signature import ConstantArgument
from torch.utils import _pytree as pytree

from hearth import tensorfile
from hearth.departures import departures
from hearth.dims import check_source, dynamic_shapes, symbol_names
from hearth.drawing import STATE, PackageNumbers
from hearth.escapes import assignments_allowed, escapes
from hearth.loading import ModelError, Source, at, load_function, one_line, user_frame

LEVELS = ("raw", "middle", "core")

# (pattern in the message, what to do); the first match is printed.
SUGGESTIONS: list[tuple[str, str]] = [
    (
        r"data-dependent|GuardOnDataDependent|Could not guard|Eq\(u\d+|\bu\d+ ",
        "control flow or a shape depends on tensor values: use torch.where or torch.cond, or torch._check for ranges",
    ),
    (
        r"captured completely with torch\.compile|Invalid get_attr type|getattr nodes containing tensors|missing val field",
        f"torch {torch.__version__} does not export this loop: use a newer one, or write it as a loop of Python",
    ),
    (r"ScriptModule|ScriptFunction|torch\.jit", "export the original nn.Module instead of the TorchScript one"),
    (
        r"pecialized|onstraints violated",
        "the model fixes this dimension: leave it out of the dynamic dims, or narrow its range",
    ),
    (r"numpy|\.numpy\(\)", "replace the NumPy call by its torch counterpart"),
    (
        r"mutat|assigned during export|register_buffer|as a buffer",
        "keep state that forward changes in a buffer (register_buffer) and change it in place",
    ),
    (r"FakeTensor.*convert|meta kernel|fake impl|register_fake", "give the custom operator a fake implementation"),
    (r"missing \d+ required|unexpected keyword|positional argument", "example inputs do not fit forward()"),
]


NO_ADVICE = "optimize --verbose shows PyTorch's whole explanation"


def suggestion(message: str) -> str:
    """What the user can do about an export error with this message."""
    for pattern, advice in SUGGESTIONS:
        if re.search(pattern, message):
            return advice
    return NO_ADVICE


def varied(leaf: Any, generator: torch.Generator) -> Any:
    """A fresh value like `leaf`: the same shape, type, mean and deviation; integers within the range seen; masks of
    zeros and ones, and everything that is not a tensor, unchanged."""
    if not isinstance(leaf, Tensor) or leaf.numel() == 0 or leaf.is_complex():
        return leaf
    if leaf.dtype == torch.bool:
        return torch.rand(leaf.shape, generator=generator) < leaf.float().mean()
    if leaf.is_floating_point():
        wide = leaf.double()
        noise = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        return (wide.mean() + noise * wide.std(correction=0)).to(leaf.dtype)
    low, high = int(leaf.min()), int(leaf.max())
    if low >= 0 and high <= 1:
        return leaf
    return torch.randint(low, high + 1, leaf.shape, generator=generator, dtype=torch.int64).to(leaf.dtype)


def resized(value: Any, dims: Any, sizes: dict[str, int], generator: torch.Generator) -> Any:
    """`value` with every named dynamic dimension at a new size in its range, up to twice the example's; rows repeat or
    fall away. `sizes` remembers the size of each name."""
    if isinstance(value, Tensor) and isinstance(dims, dict):
        for axis, spec in dims.items():
            name, low, high = (list(spec) + [None, None])[:3] if isinstance(spec, (tuple, list)) else (spec, None, None)
            if not isinstance(name, str):
                continue
            old = value.shape[axis]
            if name not in sizes:
                low, high = max(low or 2, 1), min(high or 2 * old + 1, 2 * old + 1)
                sizes[name] = int(torch.randint(low, max(low, high) + 1, (1,), generator=generator))
            value = value.index_select(axis, torch.arange(sizes[name]) % old)
        return value
    if isinstance(dims, dict) and isinstance(value, dict):
        return {key: resized(inner, dims.get(key), sizes, generator) for key, inner in value.items()}
    if isinstance(dims, (tuple, list)) and isinstance(value, (tuple, list)):
        return type(value)(resized(v, d, sizes, generator) for v, d in zip(value, dims, strict=True))
    return value


def generated(source: Source, seed: int, resize: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Fresh inputs like the example's; with `resize` at other sizes of the dynamic dims."""
    generator = torch.Generator().manual_seed(seed)
    args, kwargs = source.args, source.kwargs
    if resize and isinstance(source.dims, dict):
        bound = inspect.signature(source.module.forward).bind(*args, **kwargs)
        bound.arguments.update(resized(dict(bound.arguments), source.dims, {}, generator))
        args, kwargs = bound.args, bound.kwargs
    elif resize and source.dims is not None:
        args = resized(args, tuple(source.dims), {}, generator)
    leaves, spec = pytree.tree_flatten((tuple(args), dict(kwargs)))
    return pytree.tree_unflatten([varied(leaf, generator) for leaf in leaves], spec)


def eager(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Tensor]]:
    """Output leaves of one call on a copy of the module, and the buffers that the call changed, after it. It draws the random
    numbers that its package draws."""
    numbers = PackageNumbers()
    twin, leaves, drew = call_of_copy(module, args, kwargs, contextlib.nullcontext())
    if drew:
        twin, leaves, _ = call_of_copy(module, args, kwargs, numbers)
    before = dict(module.named_buffers())
    changed = {name: after for name, after in twin.named_buffers() if name in before and not same(after, before[name])}
    if numbers.draws:
        changed[STATE] = numbers.state()
    return leaves, changed


def call_of_copy(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], mode: Any
) -> tuple[nn.Module, list[Any], bool]:
    """A copy of the module after one call of it in a mode, the call's output leaves, and whether it drew random numbers of PyTorch."""
    twin = copy.deepcopy(module)
    args, kwargs = copy.deepcopy((args, kwargs))
    before = generators()
    with torch.no_grad(), mode:
        leaves = pytree.tree_leaves(twin(*args, **kwargs))
    return twin, leaves, any(not torch.equal(a, b) for a, b in zip(before, generators(), strict=True))


def generators() -> list[Tensor]:
    """The states of PyTorch's generators."""
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *gpus]


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are equal, NaN equal to itself. Types of 8 bits are compared as they are stored."""
    if a.is_floating_point() and a.element_size() == 1:
        return torch.equal(a.view(torch.uint8), b.view(torch.uint8))
    return torch.equal(a.nan_to_num(), b.nan_to_num())


def failing_parts(source: Source, limit: int = 40) -> list[dict[str, str | None]]:
    """The innermost submodules that do not export by themselves on the inputs they receive, with the reason each."""
    seen: dict[str, tuple[Any, Any]] = {}
    hooks = []
    for name, module in source.module.named_modules():
        if name:
            note = lambda _, args, kwargs, name=name: seen.setdefault(name, copy.deepcopy((args, kwargs)))  # noqa: E731
            hooks.append(module.register_forward_pre_hook(lambda *a, note=note: note(*a) and None, with_kwargs=True))
    try:
        with torch.no_grad():
            source.module(*source.args, **source.kwargs)
    except Exception:
        return []
    finally:
        for hook in hooks:
            hook.remove()
    found: dict[str, dict[str, str | None]] = {}
    for name in sorted(seen, key=lambda n: n.count("."), reverse=True)[:limit]:
        if any(inner.startswith(name + ".") for inner in found):
            continue
        try:
            with torch.no_grad():
                torch.export.export(source.module.get_submodule(name), *seen[name])
        except Exception as error:
            found[name] = failure(error, source.file.parent, module=name)
    return list(found.values())


def failure(error: BaseException, folder: Path, module: str = "") -> dict[str, str | None]:
    """The facts of an export error: module, message, line of the model's source, suggestion."""
    text = str(error)
    where = re.findall(r'File "([^"]+)", line (\d+), in \w+\n\s+(.*)', text)
    own = [w for w in where if "site-packages" not in w[0]]
    source = f"{own[-1][0]}:{own[-1][1]}: {own[-1][2].strip()}" if own else user_frame(error, folder)
    reason = text.split("from user code")[0].split("\n\n")[0].strip() or type(error).__name__
    reason = reason.replace('For more information, run with TORCH_LOGS="+dynamic".', "")
    return {
        "module": module,
        "error": f"{type(error).__name__}: {one_line(reason)}",
        "source": source,
        "suggestion": suggestion(text),
    }


def apart(values: Any) -> Any:
    """Arguments as they are, but no tensor twice: what is given in two places would be exported as one input."""
    leaves, spec = pytree.tree_flatten(values)
    first = {id(leaf): place for place, leaf in reversed(list(enumerate(leaves)))}
    twins = [isinstance(leaf, Tensor) and first[id(leaf)] != place for place, leaf in enumerate(leaves)]
    return pytree.tree_unflatten(
        [leaf.clone() if twin else leaf for leaf, twin in zip(leaves, twins, strict=True)], spec
    )


def traced(source: Source) -> torch.export.ExportedProgram:
    """The program as exported, where attributes are assigned too."""
    try:
        return traced_as_named(source)
    except ValueError as error:
        if not re.search(r"assigned during export|attrs were (created|deleted) in the model", str(error)):
            raise
    with assignments_allowed():
        return traced_as_named(source)


def traced_as_named(source: Source) -> torch.export.ExportedProgram:
    """The program as exported. Named dimensions are tried first; where torch.export cannot prove a named range (it
    gives up on `n // 2 * 2 <= n`), the dimensions are left for it to relate, which keeps them dynamic or fails."""
    module = copy.deepcopy(source.module)
    args, kwargs = apart((source.args, source.kwargs or None))
    try:
        shapes = dynamic_shapes(source.dims, {})
        return torch.export.export(module, args, kwargs, dynamic_shapes=shapes, strict=False)
    except torch._dynamo.exc.UserError as error:
        if source.dims is None or "onstraints violated" not in str(error):
            raise
        try:
            shapes = dynamic_shapes(source.dims, None)
            return torch.export.export(module, args, kwargs, dynamic_shapes=shapes, strict=False)
        except Exception:
            raise error from None


def export(source: Source, level: str) -> tuple[torch.export.ExportedProgram, str, list[str]]:
    """The program at the wanted level, the level reached and a note for each fallback taken."""
    with torch.no_grad():
        program = traced(source)
        if level == "raw":
            return program, level, []

        def decompose(whole: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
            return whole.run_decompositions({}) if level == "middle" else whole.run_decompositions()

        try:
            decomposed = decompose(program)
        except Exception as error:
            why = failure(error, source.file.parent)
            return program, "raw", [f"saved as exported, level {level} failed: {why['error']}{at(why['source'])}"]
        try:
            notes = departures(program, decompose, decomposed, source.args, source.kwargs or {})
        except Exception as error:
            # What cannot be told here the judge of the package sees.
            notes = [f"not compared with its decomposition: {one_line(error)}"]
        return decomposed, level, notes


def operators(program: torch.export.ExportedProgram) -> dict[str, int]:
    """How often each operator occurs, nested graphs included, commonest first."""
    counts: Counter[str] = Counter()
    for module in program.graph_module.modules():
        graph = getattr(module, "graph", None)
        for node in graph.nodes if graph is not None else ():
            if node.op == "call_function":
                target = node.target
                counts[str(target) if hasattr(target, "_schema") else f"{target.__module__}.{target.__name__}"] += 1
    return dict(counts.most_common())


def described(leaf: Any) -> dict[str, Any]:
    """Type and shape of a tensor leaf, or the value of another."""
    if isinstance(leaf, Tensor):
        return {"dtype": str(leaf.dtype).removeprefix("torch."), "shape": list(leaf.shape)}
    return {"value": repr(leaf)}


def replaced_inputs(source: Source, path: str) -> None:
    """Replaces the example inputs by `input.I` of the file; a type or shape that differs is the user's error."""
    try:
        tensors = tensorfile.read(path)
    except tensorfile.TensorFileError as error:
        raise ModelError(str(error)) from None
    leaves, spec = pytree.tree_flatten((source.args, source.kwargs))
    for name in tensors:
        if not re.fullmatch(r"input\.\d+", name) or int(name[6:]) >= len(leaves):
            raise ModelError(f"'{path}': no input is called '{name}'; expected input.0 to input.{len(leaves) - 1}")
    for index, leaf in enumerate(leaves):
        given = tensors.get(f"input.{index}")
        if given is not None and isinstance(leaf, Tensor):
            if given.dtype != leaf.dtype or given.dim() != leaf.dim():
                raise ModelError(f"'{path}': input.{index} is {described(given)}, the model takes {described(leaf)}")
            leaves[index] = given
    source.args, source.kwargs = pytree.tree_unflatten(leaves, spec)


def golden(source: Source, sets: int, seed: int) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Inputs, eager outputs and changed buffers of all input sets, and a description of each set."""
    tensors: dict[str, Tensor] = {}
    rows: list[dict[str, Any]] = []
    for index in range(sets + 1):
        origin, own = "example", None
        args, kwargs = source.args, source.kwargs
        if index:
            own = source.inputs(seed + index)
            origin = "generated" if own is None else "user"
            args, kwargs = own or generated(source, seed + index, resize=index % 2 == 0)
        try:
            outputs, changed = eager(source.module, args, kwargs)
        except Exception as error:
            if index == 0 or own is not None:
                raise
            rows.append({"set": index, "origin": origin, "failed": one_line(error)})
            continue
        prefix = f"set.{index}." if index else ""
        inputs = pytree.tree_leaves((args, kwargs))
        for kind, values in (("input", inputs), ("output", outputs)):
            tensors.update({f"{prefix}{kind}.{i}": v for i, v in enumerate(values) if isinstance(v, Tensor)})
        tensors.update({f"{prefix}state.{name}": value for name, value in changed.items()})
        rows.append(
            {
                "set": index,
                "origin": origin,
                "inputs": [described(v) for v in inputs],
                "outputs": [described(v) for v in outputs],
                "state": sorted(changed),
            }
        )
    return tensors, rows


def capture(spec: str, folder: Path, level: str, inputs: str | None, sets: int, seed: int) -> dict[str, Any]:
    """Captures the model into `folder` and returns the report. Throws `ModelError` with one line for the user."""
    source = load_function(spec)
    source.module.eval()
    check_source(source)
    if inputs:
        replaced_inputs(source, inputs)
    return capture_source(source, spec, folder, level, sets, seed)[0]


def capture_source(
    source: Source, spec: str, folder: Path, level: str, sets: int, seed: int
) -> tuple[dict[str, Any], torch.export.ExportedProgram]:
    """Captures a model in eval mode, which errors call `spec`; returns the report and the program. Throws `ModelError`."""
    report: dict[str, Any] = {"torch": torch.__version__, "model": spec, "module": type(source.module).__name__}
    try:
        tensors, rows = golden(source, sets, seed)
    except Exception as error:
        traceback.print_exc()
        where = at(user_frame(error, source.file.parent))
        raise ModelError(f"'{spec}' fails on its example inputs: {one_line(error)}{where}") from None
    escaped = escapes(source.module, source.args, source.kwargs, source.file.parent)
    try:
        program, reached, notes = export(source, level)
        # The archive's root folder takes the file's stem, so the unfinished file has its final name in another folder.
        with tempfile.TemporaryDirectory(prefix=".partial.", dir=folder) as partial:
            written(program, Path(partial) / "model.pt2")
            (Path(partial) / "model.pt2").replace(folder / "model.pt2")
    except OSError:
        raise
    except Exception as error:
        # The log gets the whole explanation; the user's line is short.
        traceback.print_exc()
        parts = failing_parts(source)
        whole = failure(error, source.file.parent)
        if escaped and whole["suggestion"] == NO_ADVICE:
            # Older versions stumble over what escapes, and do not say so.
            whole["suggestion"] = escaped[0]
        report |= {"failures": [whole] + parts}
        write_report(folder, report)
        culprit = f" in submodule {', '.join(str(p['module']) for p in parts)}" if parts else ""
        raise ModelError(
            f"'{spec}' cannot be exported{culprit}: {whole['error']}{at(whole['source'])}; {whole['suggestion']}"
        ) from None
    tensorfile.write(folder / "golden.safetensors", tensors)
    signature = program.graph_signature
    report |= {
        "level": reached,
        "notes": notes + escaped,
        "inputs": list(signature.user_inputs),
        "outputs": [str(name) for name in signature.user_outputs],
        "mutated_buffers": sorted(signature.buffers_to_mutate.values()),
        "parameters": len(signature.parameters),
        "buffers": len(signature.buffers),
        "names": symbol_names(source, program),
        "dynamic": {str(symbol): str(limits) for symbol, limits in program.range_constraints.items()},
        "nodes": sum(node.op == "call_function" for node in program.graph.nodes),
        "operators": operators(program),
        "sets": rows,
        "failures": [],
    }
    write_report(folder, report)
    return report, program


def written(program: torch.export.ExportedProgram, path: Path) -> None:
    """Saves a program. Versions of PyTorch that do not write results which are True or False, as torch 2.6, get them as 1 and
    0 in the file: who calls a package knows them from the program itself."""
    try:
        torch.export.save(program, path)
        return
    except AssertionError as error:
        if not re.search(r"Unknown input type: .*as_bool", str(error)):
            raise
    specs = program.graph_signature.output_specs
    kept = [spec.arg for spec in specs]
    for spec in specs:
        if isinstance(spec.arg, ConstantArgument) and isinstance(spec.arg.value, bool):
            spec.arg = ConstantArgument(spec.arg.name, int(spec.arg.value))
    try:
        torch.export.save(program, path)
    finally:
        for spec, arg in zip(specs, kept, strict=True):
            spec.arg = arg


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Writes `capture.json`."""
    (folder / "capture.json").write_text(json.dumps(report, indent=2) + "\n")


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Sends what libraries print inside to `log`: torch.export explains its failures with pages of graphs."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [(stream, os.dup(stream)) for stream in (1, 2)]
    with log.open("w") as file:
        for stream, _ in saved:
            os.dup2(file.fileno(), stream)
        try:
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, copied in saved:
                os.dup2(copied, stream)
                os.close(copied)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="capture.py", description="Captures a PyTorch model as model.pt2.")
    parser.add_argument("model", metavar="FILE.py:FUNCTION")
    parser.add_argument("out", metavar="OUT_DIR", type=Path)
    parser.add_argument("--level", choices=LEVELS, default="middle")
    parser.add_argument("--inputs", metavar="FILE", help="safetensors file with input.0 … in place of the example's")
    parser.add_argument("--sets", type=int, default=3, help="input sets beside the example's (default 3)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        with quiet(options.out / "capture.log"):
            report = capture(options.model, options.out, options.level, options.inputs, options.sets, options.seed)
    except OSError as error:
        print(f"error: '{options.out}': {error.strerror}", file=sys.stderr)
        return 1
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)
    counts = f"{report['nodes']} nodes, {len(report['operators'])} operators"
    print(f"{options.out / 'model.pt2'}: {counts}, {report['level']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
