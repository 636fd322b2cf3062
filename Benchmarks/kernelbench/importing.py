"""The step `import`: a problem's program as PyTorch exports it, and which of its calls do not import."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from problems import Problem, load
from shrinking import TWO_CORES, shrink

MODES = ("train", "eval")
"""KernelBench runs its models as they are made: in the mode of training, without gradients."""


def capture(problem: Problem, sizes: dict[str, int], mode: str, folder: Path, sets: int) -> dict[str, Any]:
    """Writes what `hearth optimize FOLDER` takes, with further inputs as the problem draws them; returns the capture's
    report. Throws `ModelError` where PyTorch cannot export the model."""
    from hearth.capture import capture_source
    from hearth.dims import check_source
    from hearth.loading import Source

    loaded = load(problem, sizes)
    module = loaded.module().train(mode == "train")
    args = loaded.inputs()
    source = Source(module, args, {}, None, problem.path, "Model", lambda seed: loaded.inputs(SEEDS + seed))
    check_source(source)
    folder.mkdir(parents=True, exist_ok=True)
    return capture_source(source, problem.title, folder, "middle", sets, 0)[0]


SEEDS = 1000
"""Further inputs are drawn with seeds above this one."""


def step(problem: Problem, options: dict[str, Any]) -> dict[str, Any]:
    """One line of results: `status` is `imports`, `refused` (with the calls), or `not exported` (with the error)."""
    from hearth.loading import ModelError, one_line
    from hearth.tool import BuildError, refused_calls

    began = time.time()
    row: dict[str, Any] = {"title": problem.title, "mode": options["mode"]}
    sizes: dict[str, int] = {}
    if not options["full"]:
        found = shrink(problem)
        sizes = found.sizes
        row |= {"reduced": found.changes, "full_cost": found.full.row(), "cost": found.cost.row()}
        row["fits"] = found.cost.within(TWO_CORES)
    row["sizes"] = sizes
    folder = Path(options["work"]) / f"{problem.key}.{options['mode']}"
    try:
        report = capture(problem, sizes, options["mode"], folder, sets=1)
    except ModelError as error:
        return row | {"status": "not exported", "reason": str(error), "seconds": time.time() - began}
    row |= {name: report[name] for name in ("operators", "notes", "mutated_buffers")}
    try:
        refused = refused_calls(folder / "model.pt2")
    except BuildError as error:
        return row | {"status": "refused", "reason": one_line(error), "seconds": time.time() - began}
    row |= {"status": "refused" if refused else "imports", "refused": refused}
    if refused:
        row["reason"] = f"{refused[0]['operator']}: {refused[0]['reason']} (at {refused[0]['line']})"
    return row | {"seconds": time.time() - began}
