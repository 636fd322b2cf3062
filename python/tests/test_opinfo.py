"""PyTorch's own samples through packages: what counts as agreement, how failures are found and told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from built import BUILT, needs_build

pytest.importorskip("expecttest", reason="PyTorch's operator database needs expecttest")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks"))

import opinfo  # noqa: E402
import opinfo_samples  # noqa: E402
import opinfo_table  # noqa: E402
from op_coverage import core_operators  # noqa: E402

INFOS, BARE = opinfo_samples.core_infos(core_operators())


def test_every_core_operator_has_samples_or_is_named() -> None:
    covered = {name for _, core in INFOS.values() for name in core}
    assert covered | set(BARE) == core_operators() and not covered & set(BARE)
    assert INFOS["softmax"][1] == ["_softmax"] and "rand" in BARE and "masked.sum" not in INFOS


@pytest.mark.parametrize(
    ("given", "own", "truth", "right"),
    [
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], True),
        ([1.0, 2.01], [1.0, 2.0], [1.0, 2.0], False),
        ([1.0, float("nan")], [1.0, 2.0], [1.0, 2.0], False),
        ([float("nan"), float("inf")], [float("nan"), float("inf")], [float("nan"), float("inf")], True),
        # Small elements beside a large one must be right by themselves.
        ([1e6, 1.0, 1.0, 1.1], [1e6, 1.0, 1.0, 1.0], [1e6, 1.0, 1.0, 1.0], False),
    ],
)
def test_results_are_held_to_double_precision(
    given: list[float], own: list[float], truth: list[float], right: bool
) -> None:
    tensors = torch.tensor(given), torch.tensor(own), torch.tensor(truth, dtype=torch.float64)
    assert opinfo_samples.difference(*tensors) == (None, False) or not right
    assert (opinfo_samples.difference(*tensors)[0] is None) == right


def test_what_pytorch_itself_misses_is_held_to_its_deviation() -> None:
    own, truth = torch.tensor([1.001, 2.0]), torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert opinfo_samples.difference(torch.tensor([0.998, 2.0]), own, truth) == (None, True)
    assert opinfo_samples.difference(torch.tensor([0.99, 2.0]), own, truth)[0] is not None


def test_positions_of_elements_that_tie_may_be_others() -> None:
    source = torch.tensor([[2, 1, 2], [0, 0, 0]])
    values, order = source.sort(1, descending=True)
    assert opinfo_samples.tied(values, torch.tensor([[2, 0, 1], [1, 0, 2]]), source)
    assert not opinfo_samples.tied(values, torch.tensor([[2, 2, 1], [1, 0, 2]]), source)
    assert not opinfo_samples.tied(values, order.flip(1), source)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_TOOL", str(BUILT[0] if BUILT else ""))


@needs_build
@pytest.mark.parametrize(("name", "dtype"), [("add", "f32"), ("sort", "bool"), ("empty", "i64"), ("__getitem__", "i8")])
@pytest.mark.usefixtures("command")
def test_samples_agree(name: str, dtype: str, tmp_path: Path) -> None:
    row = opinfo.judged(*INFOS[name], dtype, tmp_path / "work", most=4)
    assert (row.samples, row.imported, row.agreed, row.failures) == (4, 4, 4, [])
    assert row.free == (4 if name == "empty" else 0)


@needs_build
@pytest.mark.usefixtures("command")
def test_a_refused_sample_does_not_spoil_the_others(tmp_path: Path) -> None:
    mode = opinfo.FakeTensorMode(allow_non_fake_inputs=True)
    group = list(opinfo_samples.samples(INFOS["mul"][0], torch.float32, most=3))
    for sample in group:
        opinfo_samples.capture(sample, mode)
    group[1].own = [torch.zeros_like(one) - 7 for one in group[1].own]
    group[1].truth = [one.double() for one in group[1].own]
    found = opinfo.Judge(tmp_path / "work").judge(group)
    assert found[0] is None and found[2] is None
    assert found[1] is not None and found[1].stage == "interpreter" and "elements differ" in found[1].reason
    row = opinfo.judged(*INFOS["nonzero"], "f32", tmp_path / "work", most=1)
    assert row.agreed == 0 and row.failures[0]["stage"] == "import" and "depends on data" in row.failures[0]["reason"]


@needs_build
@pytest.mark.parametrize("name", ["add", "sqrt", "mm", "any", "constant_pad_nd"])
@pytest.mark.usefixtures("command")
def test_complex_samples_are_pairs(name: str, tmp_path: Path) -> None:
    given = next(opinfo_samples.samples(INFOS[name][0], torch.complex64))
    assert given.tensors[0].dtype == torch.float32 and given.tensors[0].shape[-1] == 2
    row = opinfo.judged(*INFOS[name], "c64", tmp_path / "work", most=4)
    assert row.agreed == row.samples, row.failures


def test_tensors_that_a_call_changes_are_results() -> None:
    sample = next(opinfo_samples.samples(INFOS["_native_batch_norm_legit"][0], torch.float32))
    assert len(sample.own) == len(sample.truth) == 5
    before = [one.clone() for one in sample.tensors]
    after = sample.call(*sample.tensors)
    assert all(torch.equal(a, b) for a, b in zip(before, sample.tensors, strict=True))
    assert torch.equal(after[3], sample.own[3]) and not torch.equal(after[3], sample.tensors[1])


def test_the_summary_counts_reasons() -> None:
    def line(op: str, dtype: str, samples: int, agreed: int, failures: list[Any]) -> dict[str, Any]:
        row = opinfo.Row(op, [op], dtype, samples, agreed, agreed, failures=failures)
        return json.loads(json.dumps(vars(row)))

    refused = {"stage": "import", "reason": "node 's3_x' is f32[2]", "example": "x(f32[2])", "count": 1}
    other = refused | {"reason": "node 's4_y' is f32[5]"}
    rows = [line("x", "f32", 4, 3, [refused]), line("y", "f32", 4, 3, [other]), line("z", "c64", 2, 0, [])]
    text = opinfo_table.summary(rows, ["rand"], 4, "how")
    assert "**60.00 % of all 10 forward samples**" in text and "75.00 % of the 8 samples of real types" in text
    assert "0.00 % of the 2 of complex types (c64)" in text
    assert "| 2 | import | node 's3_x' is f32[2] | x, y | f32 | `x(f32[2])` |" in text
    assert "| x | x | 4 | 3 | f32 1 |" in text
