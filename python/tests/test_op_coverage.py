"""The operator document: what it says follows from the stored findings and PyTorch's list of core operators."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks"))

import op_coverage  # noqa: E402


def test_the_document_is_what_the_script_writes() -> None:
    text = op_coverage.DOCUMENT.read_text()
    names = re.findall(r"^\| `(\w[\w.]*)` \|", text, re.M)
    refused = sorted(re.findall(r"`([\w.]+)`", "".join(line for line in text.splitlines() if "efused" in line)))
    records = json.loads(op_coverage.RECORD.read_text())
    wanted = op_coverage.table(names, refused, op_coverage.core_operators(), records)
    assert text == wanted, "run python Benchmarks/op_coverage.py table"


def test_nearly_all_core_operators_import() -> None:
    share = re.search(r"(\d+) operators that PyTorch tags as core, (\d+) import", op_coverage.DOCUMENT.read_text())
    assert share and int(share[2]) >= 0.95 * int(share[1])


def test_findings_are_counted_by_operator() -> None:
    record = {"archives": 2, "interpreter": 2, "kernel": 1, "levels": ["middle"], "types": ["f32"], "dynamic": 1}
    text = op_coverage.table(["relu", "rare"], ["rand"], {"relu", "rand", "sym_size", "odd"}, {"relu": record})
    assert "| `relu` | core | 2 | 2 | 1 | f32 | m | yes |" in text
    assert "| `rare` |  | - | - | - | | | |" in text
    assert "Of the 4 operators that PyTorch tags as core, 2 import (50.0 %)" in text
    assert "without a rule: `odd`." in text and "depends on data" not in text.split("without a rule")[0]
