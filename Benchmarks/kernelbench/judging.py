"""The step `judge`: a package with default schedules, held to the model in double precision (`hearth verify`) and to
PyTorch as KernelBench does it: five draws of inputs, and `allclose` with a tolerance of 1e-4 (KernelBench's for float32;
1e-2 before its version 0.2)."""

from __future__ import annotations

import copy
import itertools
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from problems import SEED, Problem, load

TOLERANCE, LOOSE = 1e-4, 1e-2
DRAWS = 5
PART = 1 << 26
"""Elements that are compared at once."""


def leaves(result: Any) -> list[Any]:
    """The tensors of a result, in order."""
    import torch
    from torch.utils import _pytree as pytree

    return [x for x in pytree.tree_leaves(result) if isinstance(x, torch.Tensor)]


def held(ours: list[Any], theirs: list[Any]) -> dict[str, Any]:
    """One comparison: whether all results agree within both tolerances, and the largest difference."""
    import torch

    if [x.shape for x in ours] != [x.shape for x in theirs]:
        return {"agrees": False, "loosely": False, "difference": None, "shapes": [list(x.shape) for x in ours]}
    close, loosely, difference = True, True, 0.0
    for one, other in zip(ours, theirs, strict=True):
        # In parts: the largest problems leave no room for copies in double precision.
        for mine, yours in zip(one.reshape(-1).split(PART), other.reshape(-1).split(PART), strict=True):
            # Both sides may hold infinities in the same places, as KernelBench's comparison allows; NaN is never alike.
            close = close and torch.allclose(mine.to(yours.dtype), yours, atol=TOLERANCE, rtol=TOLERANCE)
            loosely = loosely and torch.allclose(mine.to(yours.dtype), yours, atol=LOOSE, rtol=LOOSE)
            if yours.numel():
                apart = (mine.double() - yours.double()).abs()
                difference = max(difference, torch.where(mine == yours, 0.0, apart).max().item())
    return {"agrees": close, "loosely": loosely, "difference": difference}


def agreement(
    ours: Callable[..., Any], theirs: Callable[..., Any], draw: Callable[[int], tuple[Any, ...]]
) -> dict[str, Any]:
    """Five draws of inputs: how many agree, and the largest difference."""
    found = []
    for number in range(DRAWS):
        inputs = draw(SEED + 1 + number)
        reference = leaves(theirs(*inputs))
        found.append(held(leaves(ours(*inputs)), reference))
        del inputs, reference
    shown = [one["difference"] for one in found if one["difference"] is not None]
    return {
        "draws": DRAWS,
        "agree": sum(one["agrees"] for one in found),
        "agree_loosely": sum(one["loosely"] for one in found),
        "difference": max(shown, default=None),
    }


def in_step(package: Any, module: Any) -> Callable[..., Any]:
    """The module, or for a package that draws the module drawing the same numbers, call by call from now on."""
    if not package.draws:
        return module
    from hearth.drawing import PackageNumbers

    package.seed(0)
    runs = itertools.count()

    def call(*inputs: Any) -> Any:
        with PackageNumbers(0, next(runs)):
            return module(*inputs)

    return call


def beyond(ours: Callable[..., Any], module: Any, inputs: tuple[Any, ...]) -> dict[str, float]:
    """How many times the tolerance both sides are away from the model in double precision, at the worst element."""
    import torch

    def wide(x: Any) -> Any:
        return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x

    truth = leaves(copy.deepcopy(module).double()(*map(wide, inputs)))
    found = {}
    for name, side in (("hearth", ours), ("eager", module)):
        pairs = zip(leaves(side(*inputs)), truth, strict=True)
        found[name] = max(((x - t).abs() / (TOLERANCE + TOLERANCE * t.abs())).max().item() for x, t in pairs)
    return found


def command(arguments: list[str]) -> tuple[int, str]:
    """Runs `hearth`; its exit code, and the line that says what went wrong."""
    from hearth.tool import tool

    done = subprocess.run([tool(), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    said = [x for x in lines if "not agree" in x or "wrong" in x] or [x for x in lines if "hearth:" in x] or lines[-1:]
    return done.returncode, said[0].removeprefix("hearth: ")[:400] if done.returncode and said else ""


def step(problem: Problem, options: dict[str, Any]) -> dict[str, Any]:
    """One line of results: `status` is `correct`, `differs`, `not built`, or `as eager`: as near to the model in
    double precision as eager PyTorch, which misses KernelBench's tolerance there itself."""
    import torch
    from hearth.runtime import Package

    began = time.time()
    folder = Path(options["work"]) / f"{problem.key}.{options['mode']}"
    package = folder / "package.hearth"
    shutil.rmtree(package, ignore_errors=True)
    row: dict[str, Any] = {"title": problem.title, "mode": options["mode"]}
    threads = ["--threads", str(options["threads"])] if options["threads"] else []
    build = ["optimize", str(folder), "-o", str(package), "--trials", "0", "--sets", "1", "--plain", *threads]
    code, reason = command([*build, "--device", options["device"], *options["optimize"]])
    row["build_seconds"] = round(time.time() - began, 1)
    if code:
        status = "differs" if "agree" in reason else "not built"
        return row | {"status": status, "code": code, "reason": reason, "seconds": time.time() - began}
    code, reason = command(["verify", str(package), *threads])
    if code:
        return row | {"status": "differs", "code": code, "reason": reason, "seconds": time.time() - began}
    loaded = load(problem, options["sizes"])
    module = loaded.module().train(options["mode"] == "train")
    fast = Package.load(package, threads=options["threads"])

    def ours(*inputs: Any) -> Any:
        return fast(*[x for x in inputs if isinstance(x, torch.Tensor)])

    with torch.no_grad():
        row |= agreement(ours, in_step(fast, module), loaded.inputs)
    row["status"] = "correct" if row["agree"] == DRAWS else "differs"
    if row["status"] == "differs" and not fast.draws:
        with torch.no_grad():
            row["beyond"] = beyond(ours, module, loaded.inputs())
        if row["beyond"]["hearth"] <= 4 * row["beyond"]["eager"] and row["beyond"]["eager"] > 1:
            row["status"] = "as eager"
        row["reason"] = f"{row['agree']} of {DRAWS} draws agree within {TOLERANCE:g}; largest {row['difference']:.3g}"
    shutil.rmtree(package, ignore_errors=True)
    return row | {"seconds": time.time() - began}
