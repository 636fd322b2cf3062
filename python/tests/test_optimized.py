"""The drop-in: which of package and module runs, by records that are made up; nothing is timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hearth.optimized import Comparison, OptimizedModule, comparisons, in_mode, verdict
from torch import nn


class Twice(nn.Module):
    """Gives its results nested, as a package cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.calls = 0

    def forward(self, x: torch.Tensor, shift: torch.Tensor | None = None) -> dict[str, Any]:
        self.calls += 1
        y = x * self.factor
        return {"y": y if shift is None else y + shift, "parts": [x, -x]}


class Stub:
    """A package by its interface: the results of `Twice` plus 100, so that it can be told from the module."""

    has_state = draws = False
    device_model = "this machine"

    def __init__(self, path: Path) -> None:
        self.path, self.calls = str(path), 0

    def __call__(self, x: torch.Tensor, *shift: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.calls += 1
        return x * 2 + 100 + sum(shift), x, -x


def event(against: str, ratio: float, low: float, high: float, **more: Any) -> str:
    comparison = {"event": "comparison", "against": against, "ratio": ratio, "low": low, "high": high, "rounds": 15}
    return json.dumps(comparison | more)


GAIN = [event("default", 1.3, 1.2, 1.4), event("eager", 2.1, 2.0, 2.2), event("compile", 1.1, 1.05, 1.2)]
NO_GAIN = [event("default", 1.3, 1.2, 1.4), event("compile", 1.1, 1.05, 1.2), event("eager", 1.01, 0.99, 1.02)]


def drop_in(folder: Path, lines: list[str], **settings: Any) -> tuple[OptimizedModule, Stub, Twice]:
    (folder / "search.jsonl").write_text("\n".join(lines) + "\n")
    package, module = Stub(folder), Twice()
    return OptimizedModule(package, module, **settings), package, module  # type: ignore[arg-type]


def test_a_gain_runs_the_package(tmp_path: Path) -> None:
    model, package, module = drop_in(tmp_path, GAIN)
    for number in range(3):
        y = model(torch.tensor([1.0, float(number)]))
        assert y["y"].tolist() == [102, 100 + 2 * number] and y["parts"][1].tolist() == [-1, -number]
    # The module is called once, for how its results are nested.
    assert package.calls == 3 and module.calls == 1
    assert model.report == (
        "the package runs: 1.10 times as fast as PyTorch's compile (ratio 1.10, 95 % interval 1.05 … 1.20)"
    )


def test_no_gain_runs_the_baseline(tmp_path: Path) -> None:
    model, package, module = drop_in(tmp_path, NO_GAIN)
    assert model(torch.tensor([1.0]), shift=torch.tensor([5.0]))["y"].tolist() == [7]
    assert package.calls == 0 and module.calls == 1 and model.package is None
    assert model.report == (
        "no gain: the package does not beat PyTorch's eager by more than 2 % "
        "(ratio 1.01, 95 % interval 0.99 … 1.02); PyTorch's eager runs in its place"
    )
    assert set(model.state_dict()) == {"module.factor"}


def test_a_mode_that_compiles_stays_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[nn.Module] = []

    def compile(module: nn.Module, **settings: Any) -> Any:
        made.append(module)
        return lambda *args, **kwargs: {"compiled": module(*args, **kwargs)}

    monkeypatch.setattr(torch, "compile", compile)
    lines = [event("compile", 0.8, 0.7, 0.9, seconds=1.25e-3, their_seconds=1e-3), event("eager", 1.5, 1.4, 1.6)]
    model, package, module = drop_in(tmp_path, lines)
    assert model(torch.tensor([1.0]))["compiled"]["y"].tolist() == [2] and package.calls == 0 and made == [module]
    assert model.report == (
        "no gain: the package does not beat PyTorch's compile by more than 2 % "
        "(ours 1.25 ms, compile 1 ms, ratio 0.80, 95 % interval 0.70 … 0.90); PyTorch's compile runs in its place"
    )


def test_the_fallback_can_be_switched_off(tmp_path: Path) -> None:
    model, package, _ = drop_in(tmp_path, NO_GAIN, fallback=False)
    assert model(torch.tensor([1.0]))["y"].tolist() == [102]
    assert package.calls == 1 and model.report.endswith("; the package runs all the same, because fallback is off")


def test_what_was_measured_elsewhere_says_nothing_here(tmp_path: Path) -> None:
    here, there = (json.dumps({"event": "start", "machine": name}) for name in ("this machine", "another"))
    assert "no gain" in drop_in(tmp_path, [here, *NO_GAIN])[0].report
    for lines in (GAIN, NO_GAIN):
        model, package, _ = drop_in(tmp_path, [there, *lines])
        assert model(torch.tensor([1.0]))["y"].tolist() == [102] and package.calls == 1
        assert "compared with PyTorch on another machine (another)" in model.report


@pytest.mark.parametrize("lines", [[], [event("default", 1, 1, 1), event("onnxruntime", 0.5, 0.4, 0.6)], ["{", "[]"]])
def test_what_was_not_compared_is_said(tmp_path: Path, lines: list[str]) -> None:
    model, package, _ = drop_in(tmp_path, lines)
    assert model(torch.tensor([1.0]))["y"].tolist() == [102]
    assert (
        package.calls == 1
        and "was not compared with PyTorch on this machine: hearth optimize --against all" in model.report
    )


def test_a_folder_without_a_record(tmp_path: Path) -> None:
    assert "not compared with PyTorch" in OptimizedModule(Stub(tmp_path), Twice()).report  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "low", "is_gain"),
    [(1.03, 1.01, True), (1.02, 1.01, False), (1.5, 1.0, False), (1.5, 0.9, False), (0.7, 0.6, False)],
)
def test_the_rule_is_that_of_the_report(ratio: float, low: float, is_gain: bool) -> None:
    found = Comparison("eager", ratio, low, 2.0)
    assert found.is_gain == is_gain
    assert verdict([found]).mode == (None if is_gain else "eager")


def test_records_are_read() -> None:
    lines = [
        event("eager", 1.5, 1.4, 1.6), '{"event":"note","text":"x"}', event("eager", 0.9, 0.8, 1.0),
        event("compile", 0.0, 0.0, 0.0, failure="out of memory"), '{"event":"comparison","against":"max-autotune"}',
    ]  # fmt: skip
    # What is measured again counts once, and what failed does not.
    assert comparisons(lines) == [Comparison("eager", 0.9, 0.8, 1.0)]


@pytest.mark.parametrize(
    ("mode", "given"),
    [
        ("compile", {"mode": None}),
        ("max-autotune", {"mode": "max-autotune"}),
        ("compile-freezing", {"options": {"freezing": True}}),
    ],
)
def test_modes_are_those_of_the_bench(mode: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(torch, "compile", lambda module, **settings: seen.append(settings) or module)
    module = Twice()
    assert in_mode(module, mode) is module and seen == [given]
    in_mode(module, "max-autotune-freezing")
    assert seen[1]["options"]["freezing"] is True and seen[1]["options"]["max_autotune"] is True
    assert in_mode(module, "eager") is module and len(seen) == 2
