"""Benchmarks/kernelbench, on two problems in KernelBench's format."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
from built import ROOT

sys.path.insert(0, str(ROOT / "Benchmarks/kernelbench"))

import importing  # noqa: E402
import judging  # noqa: E402
import reporting  # noqa: E402
import shards  # noqa: E402
from children import Lines, forked, run  # noqa: E402
from problems import chosen, drawn, load, problems, sampled  # noqa: E402
from shrinking import Cost, shrink  # noqa: E402

PRODUCT = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, 2 * features)

    def forward(self, x, s):
        return torch.tanh(self.linear(x)) * s

batch_size = 64 * 4
features = 256
unused = 1000
shape = (batch_size, features)

def get_inputs():
    return [torch.rand(shape), 2.5]

def get_init_inputs():
    return [features]
"""

NORM = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm((8, 6))

    def forward(self, x, y):
        return self.norm(x * y), x.sum(1)

height, width = 8, 6
rows = [3, 3]

def get_inputs():
    return [torch.rand(rows[0], 8, width), torch.rand(height, width)]

def get_init_inputs():
    return []
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder as a checkout of KernelBench is."""
    for level, name, text in ((1, "2_Product", PRODUCT), (2, "10_Norm", NORM)):
        folder = tmp_path / "KernelBench" / f"level{level}"
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
    return tmp_path


def test_problems_are_found_and_drawn(checkout: Path) -> None:
    found = problems(checkout)
    assert [p.key for p in found] == ["1-002", "2-010"] and found[0].title == "level1/2_Product"
    assert [p.key for p in chosen(found, ["2"])] == ["2-010"] and [p.key for p in chosen(found, None)] == [
        "1-002",
        "2-010",
    ]
    assert drawn(found, 1, 20) == {"1": [2], "2": [10]}
    # The sample that is kept here.
    sample = json.loads((ROOT / "Benchmarks/kernelbench/sample.json").read_text())
    assert [len(set(numbers)) for numbers in sample["levels"].values()] == [20, 20, 20]
    assert all(p.number in sample["levels"][str(p.level)] for p in sampled(found))


def test_sizes_are_replaced(checkout: Path) -> None:
    product, norm = problems(checkout)
    assert load(product).sizes == {"batch_size": 256, "features": 256, "unused": 1000}
    small = load(product, {"batch_size": 2, "features": 4})
    assert small.inputs()[0].shape == (2, 4) and small.module().linear.weight.shape == (8, 4)
    assert load(norm).sizes == {"height": 8, "width": 6, "rows 3": 3, "get_inputs 0": 0, "get_inputs 8": 8}
    assert load(norm, {"rows 3": 5}).inputs()[0].shape == (5, 8, 6)
    # The same weights and inputs each time.
    assert load(product).inputs()[0].equal(load(product).inputs()[0])


def test_problems_shrink_by_the_rule(checkout: Path) -> None:
    product, norm = problems(checkout)
    found = shrink(product, Cost(1e6, 1e6, 1e6))
    assert found.full.operations == 2 * 256 * 256 * 512 and found.full.held == 256 * 512 + 512 + 256 * 256
    # The batch goes down to 4; then the features, since what is not used spares nothing.
    assert found.changes == {"batch_size": [256, 4], "features": [256, 128]} and found.cost.operations <= 1e6
    assert shrink(norm).changes == {}


def test_import_and_judge(checkout: Path, tool: None, tmp_path: Path) -> None:
    options = {
        "work": str(tmp_path / "work"),
        "mode": "train",
        "full": False,
        "threads": 1,
        "device": "cpu",
        "optimize": [],
    }
    for problem in problems(checkout):
        row = importing.step(problem, options)
        assert row["status"] == "imports" and row["reduced"] == {}, row
        row = judging.step(problem, options | {"sizes": row["sizes"]})
        assert row["status"] == "correct" and row["agree"] == 5, row


def test_a_child_that_takes_too_long(checkout: Path, tmp_path: Path) -> None:
    lines = Lines(tmp_path / "lines.jsonl")
    lines.add(run("import", problems(checkout)[0], {}, 0.05, 0))
    assert Lines(lines.path).rows["1-002"]["status"] == "time"
    failed = forked("import", problems(checkout)[0], {"threads": 1}, 30, 0)
    assert failed["status"] == "ended" and "KeyError: 'mode'" in failed["reason"], failed


def test_disagreement_is_seen() -> None:
    import torch

    x = torch.tensor([1.0, math.inf])
    assert judging.held([x], [x]) == {"agrees": True, "loosely": True, "difference": 0.0}
    found = judging.held([x + 0.001], [x])
    assert not found["agrees"] and found["loosely"] and found["difference"] == pytest.approx(0.001, rel=1e-3)
    assert not judging.held([x[:1]], [x])["agrees"] and not judging.held([x * math.nan], [x * math.nan])["agrees"]


def test_scores() -> None:
    def row(status: str, hearth: float, eager: float, compiled: float) -> dict[str, object]:
        times = {"hearth": hearth, "eager": eager, "compile": compiled, "max-autotune": compiled + 1}
        return {"problem": "1-001", "status": status, "times": {name: {"median": t} for name, t in times.items()}}

    rows = [
        row("correct", 1, 3, 1.5),
        row("correct", 1, 1.5, 0.5),
        row("differs", 1, 9, 9),
        {"problem": "1-4", "status": "time"},
    ]
    fast = [reporting.fast(rows, p, side) for side in ("eager", "compiled") for p in (0, 1, 2)]
    assert fast == [0.5, 0.5, 0.25, 0.5, 0.25, 0]
    assert "| 1 | 4 | 0.50 | 0.50 | 0.25 | 0.25 | 0.00 |" in reporting.scores(rows)


def test_a_shard_goes_on(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def step(name: str, problem: object, options: dict[str, object], *_: object) -> dict[str, object]:
        asked.append((name, problem.key))  # type: ignore[attr-defined]
        done = {"prepare": {"status": "exported", "notes": []}, "measure": {"status": "correct", "times": {}}}[name]
        return {**done, "seconds": 1}

    monkeypatch.setattr(shards.children, "run", step)
    names = ["build_device", "device", "trials", "against", "rounds", "time", "ahead", "memory", "small", "mode"]
    options = type("Options", (), dict.fromkeys(names, 0) | {"seconds": 100, "limit": 50, "again": []})()
    found = problems(checkout)
    shards.Shard(tmp_path, {"work": str(tmp_path / "work")}, options).run(found[:1])
    shards.Shard(tmp_path, {"work": str(tmp_path / "work")}, options).run(found)
    assert asked == [(name, key) for key in ("1-002", "2-010") for name in ("prepare", "measure")]
    # One that the end of a shard stopped has no result.
    options.seconds = 0
    options.again = ["correct"]
    shards.Shard(tmp_path, {"work": str(tmp_path / "work")}, options).run(found)
    assert len(asked) == 4
