"""The benchmark scripts: statistics, tables and exports of the operator table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hearth import tensorfile

FOLDER = Path(__file__).resolve().parents[2] / "Benchmarks"
sys.path.insert(0, str(FOLDER))

import operators  # noqa: E402
import peers  # noqa: E402


def test_intervals_hold_the_median_and_ignore_one_bad_round() -> None:
    rounds = [[100 + k, 101 + k, 102 + k] for k in range(9)] + [[10_000] * 3]
    low, high = peers.interval(rounds)
    assert 101 <= low <= 105.5 <= high <= 109
    assert peers.interval([[7]] * 5) == (7, 7)


@pytest.mark.parametrize(
    ("found", "worst"),
    [
        ({"output.0": [1.0, 2.0]}, 0.0),
        ({"output.0": [1.0, 1.5]}, 0.25),
        ({"output.0": [1.0]}, float("inf")),
        ({}, float("inf")),
    ],
)
def test_differences_are_relative_to_the_largest(tmp_path: Path, found: dict, worst: float) -> None:
    tensorfile.write(tmp_path / "a", {name: torch.tensor(values) for name, values in found.items()})
    tensorfile.write(tmp_path / "b", {"output.0": torch.tensor([1.0, 2.0])})
    assert peers.difference(tmp_path / "a", tmp_path / "b") == worst


def test_the_table_names_the_best_mode_and_what_did_not_run() -> None:
    results = {
        "eager": {"median_ms": 3.0},
        "compile": {"median_ms": 2.0},
        "max-autotune": {"median_ms": 1.5},
        "openvino": {"error": "no such operator"},
    }
    stored = {
        "cpu": {"name": "Some CPU", "isa": ["avx2"]},
        "threads": 2,
        "date": "2026-01-01",
        "command": "python Benchmarks/peers.py",
        "versions": {"torch": "2"},
        "models": {"m": {"load": 0.1, "results": results}},
    }
    text = peers.table(stored)
    assert "| m | 3.000 | 2.000 | 1.500 | not run | 1.500 (max-autotune) | 0.1 |" in text
    assert "- m, openvino: no such operator" in text


def test_operator_rows_export_at_every_level(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "operators.py"), str(tmp_path), "--only", "contract.mm", "index.scatter"]
    subprocess.run(command, check=True, capture_output=True)
    names = [name for name in operators.rows() if name.startswith(("contract.mm", "index.scatter"))]
    assert len(list(tmp_path.glob("*.pt2"))) == 3 * len(names)
    for name in names:
        golden = tensorfile.read(tmp_path / f"{name}.golden.safetensors")
        inputs = [golden[f"input.{k}"] for k in range(sum(n.startswith("input.") for n in golden))]
        module = torch.export.load(tmp_path / f"{name}.core.pt2").module()
        torch.testing.assert_close(module(*inputs), golden["output.0"])
        assert ("set.1.input.0" in golden) == (name not in operators.DISTINCT_INDICES)
