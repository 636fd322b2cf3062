"""The bundle for machines with a GPU and no Swift: what lies in it, and that its script resumes where it was ended."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from built import BUILT, ROOT, needs_build

pytestmark = needs_build

# Stands for hearth: notes its arguments, and does once what `$CALLED.COMMAND` holds.
STUB = """#!/usr/bin/env bash
echo "$1 $(basename -- "$2")" >>"$CALLED"
if [ -e "$CALLED.$1" ]; then order=$(cat "$CALLED.$1"); rm "$CALLED.$1"; eval "$order"; fi
case $1 in
optimize) while [ $# -gt 0 ]; do [ "$1" = -o ] && mkdir -p "$2"; shift; done ;;
devices) [ "$2" = --quick ] && echo '[{"name": "stub"}]' || echo "cuda: 3 of 3 checks pass on a stub" ;;
bench) echo '{"ours": 1.5}' ;;
esac
"""
KILL = 'kill -9 "$(ps -o ppid= -p "$PPID" | tr -d " ")"'


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of what is built here, with one model."""
    assert BUILT is not None
    folder = tmp_path_factory.mktemp("bundle") / "carry"
    variables = {
        **os.environ,
        "HEARTH_BUILT": str(BUILT[0].parent),
        "HEARTH_BUNDLE": str(folder),
        "HEARTH_MODELS": str(ROOT / "Tests/ModelImportTests/Fixtures"),
    }
    done = subprocess.run([ROOT / "dev/gpu-bundle", "f64"], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def run(bundle: Path, out: Path, *steps: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HEARTH_PYTHON": sys.executable, "HEARTH_GPU_MODELS": "mlp", **variables}
    command = [str(bundle / "gpu-run"), str(out), *steps]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_the_bundle_stands_alone(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    variables = {
        "HEARTH_GPU_DEVICE": "cpu",
        "HEARTH_CONFORMANCE": "graph",
        "HEARTH_JUDGE": "--trials 2 --budget 2",
        "PATH": "/usr/bin:/bin",
    }
    done = run(bundle, out, "conformance", "judge", "faults", "carried", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((out / "results.json").read_text())
    assert (
        set(found["passed"]) == {"conformance-some", "judge", "faults", "carried-f64", "verify-f64"}
        and not found["failed"]
    )
    assert "checks pass on" in found["conformance"]
    assert (out / "faults.log").read_text() == "four processes at once: ok: agrees\n"
    provenance = found["provenance"]
    assert provenance["commit"] == (bundle / "commit").read_text().strip() and provenance["device"] == "cpu"
    assert provenance["devices"][0]["kind"] == "cpu" and provenance["torch"]
    # Checks that passed are not done again, also where the whole of them was not finished; some of them are not the whole.
    assert not (out / "conformance.passed").exists()
    checks = (out / "conformance.checks").read_text().splitlines()
    (out / "conformance.checks").write_text("\n".join(checks[1:]) + "\ncpu: ok: cut o")
    done = run(bundle, out, "conformance", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    log = (out / "conformance-some.log").read_text().splitlines()
    assert [line for line in log if ": ok: " in line] == [checks[0]] and len(checks) > 1
    assert log[-1].startswith(f"cpu: {len(checks)} of {len(checks)} checks pass")


@pytest.fixture
def stubbed(bundle: Path, tmp_path: Path) -> Path:
    """The bundle with a command that only notes how it is called."""
    folder = tmp_path / "stubbed"
    subprocess.run(["cp", "-r", str(bundle), str(folder)], check=True)
    stub = folder / "bin/hearth"
    stub.write_text(STUB)
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    return folder


def test_a_second_run_goes_on_where_the_first_was_killed(stubbed: Path, tmp_path: Path) -> None:
    out, called = tmp_path / "out", tmp_path / "called"
    (tmp_path / "called.verify").write_text(KILL)
    first = run(stubbed, out, CALLED=str(called))
    assert first.returncode != 0 and not (out / "results.json").exists()
    before = called.read_text().splitlines()
    assert before[-2:] == ["optimize f64.middle.pt2", "verify f64.hearth"]
    (tmp_path / "called.bench").write_text("echo broken; exit 3")
    second = run(stubbed, out, CALLED=str(called))
    after = called.read_text().splitlines()[len(before) :]
    assert after == ["verify f64.hearth", "optimize gpu.py:mlp", "bench mlp.hearth", "devices --quick"]
    assert second.returncode == 1 and "bench-mlp: FAILED (3): broken" in second.stdout
    assert json.loads((out / "results.json").read_text())["failed"] == {"bench-mlp": "broken"}
    # What failed is tried again, with the package that is still there.
    third = run(stubbed, out, CALLED=str(called))
    after = called.read_text().splitlines()[len(before) + len(after) :]
    assert third.returncode == 0 and after == ["bench mlp.hearth", "inspect mlp.hearth", "devices --quick"]
    found = json.loads((out / "results.json").read_text())
    assert found["bench"] == {"mlp": {"ours": 1.5}} and not found["failed"] and not list(out.glob("*.hearth"))[1:]
    fourth = run(stubbed, out, CALLED=str(called))
    assert fourth.returncode == 0 and called.read_text().splitlines()[-1] == "devices --quick"


def test_shards_end_in_time_and_are_of_one_commit(stubbed: Path, tmp_path: Path) -> None:
    out, called = tmp_path / "out", tmp_path / "called"
    (tmp_path / "called.verify").write_text("exec sleep 60")
    late = run(stubbed, out, "carried", CALLED=str(called), HEARTH_SHARD_SECONDS="1")
    assert late.returncode == 1 and "verify-f64: FAILED (124)" in late.stdout
    left = run(stubbed, out, "carried", CALLED=str(called), HEARTH_GPU_SECONDS="0")
    assert left.returncode == 1 and "1 shards were left for another run" in left.stdout
    # A package that is gone is made again.
    (out / "f64.hearth").rmdir()
    again = run(stubbed, out, "carried", CALLED=str(called))
    assert again.returncode == 0 and called.read_text().splitlines()[-3:-1] == [
        "optimize f64.middle.pt2",
        "verify f64.hearth",
    ]
    (stubbed / "commit").write_text("another\n")
    other = run(stubbed, out, "carried", CALLED=str(called))
    assert other.returncode == 2 and "take another folder" in other.stderr
    assert run(stubbed, out, "carry").returncode == 2


def test_rows_are_models() -> None:
    """`all` names every row of the comparison, and each is there."""
    found = re.findall(r'^rows="(?:\$rows )?(.*)"$', (ROOT / "dev/gpu-run").read_text(), re.MULTILINE)
    rows = " ".join(found).split()
    assert len(rows) == 15
    models = (ROOT / "Benchmarks/models/gpu.py").read_text()
    assert not [row for row in rows if f"def {row}(" not in models]
