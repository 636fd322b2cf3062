"""The step `measure`: a problem at its full size beside PyTorch, in one process, all sides interleaved.

What KernelBench does is done here: weights and inputs with its seed, the model in the mode of training without
gradients, PyTorch's own settings, every timed call after the GPU's cache was overwritten, times by events around one
call. What differs: sides take turns call by call, in an order that turns from round to round, and the median counts. On
a GPU the package is called with `wait=False`, as PyTorch's own functions return: before the GPU is done.

Results are compared on five draws of inputs (`judging`); the package is built without recorded inputs (`--sets 0`), as
double precision on the processor takes minutes at these sizes. PyTorch's reference is computed without TF32 there, which
PyTorch uses for convolutions; its times are taken with its own settings. With `--precision tf32-convolutions` the package
may use it there too; what then misses the tolerance must be as near to the reference as PyTorch with its own settings is
(`as eager`).
"""

from __future__ import annotations

import copy
import random
import shutil
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judging import DRAWS, TOLERANCE, agreement, command, in_step, leaves
from problems import Loaded, Problem, load

Call = Callable[[], Any]

MODES = {"compile": None, "reduce-overhead": "reduce-overhead", "max-autotune": "max-autotune"}
"""PyTorch's compiled modes, and what `torch.compile` calls them."""

WARM_UPS = 5


def modes(against: str, device: str) -> list[str]:
    """PyTorch's modes to measure; on the processor reduce-overhead is the same as compile."""
    names = against.split(",") if against else ["eager", *MODES]
    return [name for name in names if device != "cpu" or name != "reduce-overhead"]


def folder(problem: Problem, options: dict[str, Any]) -> Path:
    """Where a problem's program and package lie meanwhile."""
    return Path(options["work"]) / f"{problem.key}.measure"


def prepare(problem: Problem, options: dict[str, Any]) -> dict[str, Any]:
    """Exports a problem, and builds its package where that needs no GPU."""
    import torch
    from hearth.capture import export
    from hearth.loading import Source, one_line

    began = time.time()
    loaded = load(problem, options["sizes"])
    work = folder(problem, options)
    work.mkdir(parents=True, exist_ok=True)
    module = loaded.module().train(options["mode"] == "train")
    inputs = loaded.inputs()
    source = Source(module, inputs, {}, None, problem.path, "Model", None)
    try:
        program, _, notes = export(source, "middle")
    except Exception as error:
        return {"status": "not exported", "reason": one_line(error), "seconds": time.time() - began}
    program._example_inputs = None
    torch.export.save(program, work / "exported.pt2")
    row: dict[str, Any] = {"status": "exported", "notes": notes, "export_seconds": round(time.time() - began, 1)}
    del program, module, inputs, source, loaded
    (work / "exported.pt2").replace(work / "model.pt2")
    if ":sm_" in options["build_device"]:
        row |= build(work, options)
    return row | {"seconds": time.time() - began}


def build(work: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Builds the package `new.hearth`, and gives it its name when it is whole."""
    began = time.time()
    shutil.rmtree(work / "package.hearth", ignore_errors=True)
    threads = ["--threads", str(options["threads"])] if options["threads"] else []
    asked = ["--trials", str(options["trials"]), "--sets", str(min(options["trials"], 1)), "--plain"]
    asked += ["--device", options["build_device"], *threads, *options["optimize"]]
    precision = ["--precision", options["precision"]] if options["precision"] else []
    built = ["optimize", str(work / "model.pt2"), "-o", str(work / "new.hearth"), *asked]
    code, reason = command([*built, *precision])
    if code and precision and "the model has no" in reason:
        precision = []
        code, reason = command(built)
    if code:
        return {"status": "not built", "code": code, "reason": reason}
    (work / "new.hearth").replace(work / "package.hearth")
    (work / "model.pt2").unlink(missing_ok=True)
    return {"status": "built", "precision": " ".join(precision[1:]), "build_seconds": round(time.time() - began, 1)}


class Clock:
    """Milliseconds of one call."""

    def __init__(self, device: str) -> None:
        self.device = device

    def __call__(self, call: Call) -> float:
        import torch

        if self.device == "cpu":
            began = time.perf_counter()
            call()
            return (time.perf_counter() - began) * 1e3
        torch.cuda.synchronize()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # KernelBench's way to empty the cache of the second level: 256 MB are written.
        torch.empty(32 << 20, dtype=torch.int64, device=self.device).fill_(42)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end)


def interleaved(calls: dict[str, Call], clock: Clock, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Times of all sides, each round in another order, until there are enough or the time is over (5 rounds at least)."""
    for call in calls.values():
        for _ in range(WARM_UPS):
            clock(call)
    times: dict[str, list[float]] = {name: [] for name in calls}
    began, order, generator = time.monotonic(), list(calls), random.Random(0)
    for done in range(rounds):
        if done >= 5 and time.monotonic() - began > seconds:
            break
        generator.shuffle(order)
        for name in order:
            times[name].append(clock(calls[name]))
    return times


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` in what takes longer."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not compiled after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def sides(
    module: Any, inputs: tuple[Any, ...], names: list[str], device: str, ends: float
) -> tuple[dict[str, Call], dict[str, str]]:
    """Calls of PyTorch's modes, compiled; what could not be compiled, and why. `ends`: when the last compilation ends."""
    import torch
    from hearth.loading import one_line

    calls: dict[str, Call] = {}
    errors: dict[str, str] = {}
    for name in names:
        if name == "eager":
            calls[name] = lambda: module(*inputs)
            continue
        # A module of its own: what one leaves in an attribute may lie in the memory of a recorded graph.
        compiled = torch.compile(copy.deepcopy(module), mode=MODES[name])

        def call(compiled: Callable[..., Any] = compiled) -> Any:
            if device != "cpu":
                torch.compiler.cudagraph_mark_step_begin()
            return compiled(*inputs)

        try:
            with at_most(ends - time.monotonic()):
                for _ in range(3):
                    call()
            calls[name] = call
        except Exception as error:
            errors[name] = f"{type(error).__name__}: {one_line(error)}"
    return calls, errors


def draws(loaded: Loaded, device: str) -> Callable[[int], tuple[Any, ...]]:
    """Inputs with a seed, drawn where they are used."""
    import torch

    def draw(seed: int) -> tuple[Any, ...]:
        with torch.device(device):
            inputs = loaded.inputs(seed)
        return tuple(x.to(device) if isinstance(x, torch.Tensor) else x for x in inputs)

    return draw


def step(problem: Problem, options: dict[str, Any]) -> dict[str, Any]:
    """One problem: what agrees, and the times of all sides."""
    import torch
    from hearth.runtime import Package

    began = time.monotonic()
    work, device = folder(problem, options), options["device"]
    row: dict[str, Any] = {"title": problem.title, "mode": options["mode"], "sizes": options["sizes"]}
    if not (work / "package.hearth").is_dir():
        row |= build(work, options)
        if row["status"] != "built":
            return row | {"seconds": time.monotonic() - began}
    (work / "package.hearth" / "golden.safetensors").unlink(missing_ok=True)
    package = Package.load(work / "package.hearth", device=device, threads=options["threads"])
    loaded = load(problem, options["sizes"])
    module = loaded.module().train(options["mode"] == "train").to(device)
    draw = draws(loaded, device)
    waits = device == "cpu"

    def ours(*inputs: Any) -> Any:
        return package(*[x for x in inputs if isinstance(x, torch.Tensor)], wait=waits)

    with torch.no_grad():
        tf32, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
        row["agreement"] = agreement(ours, in_step(package, module), draw)
        torch.backends.cudnn.allow_tf32 = tf32
        inputs = draw(0)
        if row["agreement"]["agree"] < DRAWS and not package.draws:
            row["beyond"] = apart(ours, module, inputs)
        calls: dict[str, Call] = {"hearth": lambda: ours(*inputs)}
        ends = began + options["limit"] * 0.75
        theirs, row["errors"] = sides(module, inputs, modes(options["against"], device), device, ends)
        times = interleaved(calls | theirs, Clock(device), options["rounds"], options["time"])
    row["times"] = {name: summary(values) for name, values in times.items()}
    row["status"] = "correct" if row["agreement"]["agree"] == DRAWS else "differs"
    if "beyond" in row and row["beyond"]["hearth"] <= 2 * row["beyond"]["eager"]:
        row["status"] = "as eager"
    row["machine"] = package.device_model
    row["versions"] = {"torch": torch.__version__, "cuda": torch.version.cuda}
    return row | {"seconds": time.monotonic() - began}


def apart(ours: Callable[..., Any], module: Any, inputs: tuple[Any, ...]) -> dict[str, float]:
    """How many times the tolerance both sides are away from the model without TF32, at the worst element."""
    import torch

    tf32, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    truth = leaves(module(*inputs))
    torch.backends.cudnn.allow_tf32 = tf32
    found = {}
    for name, side in (("hearth", ours), ("eager", module)):
        pairs = zip(leaves(side(*inputs)), truth, strict=True)
        found[name] = max(((x - t).abs() / (TOLERANCE + TOLERANCE * t.abs())).max().item() for x, t in pairs)
    return found


def summary(values: list[float]) -> dict[str, float]:
    """Milliseconds of a side."""
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "mean": statistics.fmean(ordered),
        "least": ordered[0],
        "most": ordered[-1],
        "calls": len(ordered),
    }
