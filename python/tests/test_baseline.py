"""The baseline process: the protocol, the numbers it returns, and what it refuses."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hearth import baseline, tensorfile
from hearth.baseline_client import Baseline, BaselineError


def framed(*requests: object) -> bytes:
    """Requests as frames."""
    bodies = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
    return b"".join(struct.pack("<I", len(body)) + body for body in bodies)


def replies(data: bytes) -> list[dict]:
    """Serves the bytes in this process and returns the replies."""
    sink = io.BytesIO()
    baseline.serve(io.BytesIO(data), sink)
    found, rest = [], sink.getvalue()
    while rest:
        (length,) = struct.unpack("<I", rest[:4])
        found.append(json.loads(rest[4 : 4 + length]))
        rest = rest[4 + length :]
    return found


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        ({"do": "dance"}, "bad-request", "unknown request 'dance'"),
        ({}, "bad-request", "unknown request None"),
        (b"{", "bad-request", "not JSON"),
        (b"[1]", "bad-request", "not a JSON object"),
        ({"do": "run", "calls": 1}, "bad-request", "'load' comes first"),
        ({"do": "load", "model": 3, "mode": "eager"}, "bad-request", "'model' must be of type str"),
        ({"do": "load", "model": "m.py:f", "mode": "fast"}, "bad-request", "unknown mode 'fast'"),
        ({"do": "load", "model": "absent.py:f", "mode": "eager"}, "model", "'absent.py': no such file"),
        ({"do": "load", "model": "absent.pt2", "mode": "eager"}, "model", "'absent.pt2': no such file"),
    ],
)
def test_bad_requests_get_a_code_and_one_line(request_: object, code: str, reason: str) -> None:
    first, hello = replies(framed(request_, {"do": "hello"}))
    assert (first["ok"], first["code"]) == (False, code) and reason in first["error"] and "\n" not in first["error"]
    assert hello["ok"] and hello["protocol"] == baseline.PROTOCOL


def test_a_frame_too_long_ends_the_process() -> None:
    (only,) = replies(struct.pack("<I", 1 << 31) + b"x" * 100)
    assert only["code"] == "bad-request"


def test_truncated_frames_end_quietly() -> None:
    assert replies(framed({"do": "hello"})[:-1]) == [] and replies(b"\1") == []


def test_the_environment_suits_the_mode() -> None:
    assert baseline.environment("eager", 2)["OMP_PROC_BIND"] == "close"
    assert baseline.environment("max-autotune-freezing", 2)["TORCHINDUCTOR_FREEZING"] == "1"
    assert "TORCHINDUCTOR_FREEZING" not in baseline.environment("max-autotune", 2)
    assert "OMP_PROC_BIND" not in baseline.environment("max-autotune-freezing", 2, "cuda:1")
    assert baseline.environment("onnxruntime", 2) == {"OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def eager(models: Path) -> Iterator[Baseline]:
    """A process that has loaded `norm`."""
    with Baseline("eager", threads=1) as process:
        process.load(f"{models}:norm")
        yield process


def expected(models: Path, *inputs: torch.Tensor) -> torch.Tensor:
    """The first output of `norm` on the inputs."""
    from hearth.loading import load_function

    with torch.no_grad():
        return load_function(f"{models}:norm").module(*inputs)[0]


def test_runs_are_timed_one_by_one_and_outputs_are_theirs(eager: Baseline, models: Path, tmp_path: Path) -> None:
    sets = {f"{p}input.0": torch.randn(3, 6) for p in ("", "set.1.")} | {"set.1.input.1": torch.tensor(7.0)}
    tensorfile.write(tmp_path / "in", sets)
    assert eager.ask("inputs", path=str(tmp_path / "in"))["sets"] == 2
    assert eager.ask("warm", calls=2)["calls"] == 2
    for index, (name, scale) in enumerate([("input.0", 2.0), ("set.1.input.0", 7.0)]):
        reply = eager.ask("run", calls=5, set=index, settle_ms=0)
        assert len(reply["ns"]) == 5 and 0 < sum(reply["ns"]) <= reply["wall_ns"]
        eager.ask("outputs", path=str(tmp_path / "out"))
        found = tensorfile.read(tmp_path / "out")
        torch.testing.assert_close(found["output.0"], expected(models, sets[name], torch.tensor(scale)))
        torch.testing.assert_close(found["output.1"], sets[name].sum())
    assert eager.ask("memory")["peak_bytes"] > 1 << 20


@pytest.mark.parametrize(
    ("do", "fields", "code", "reason"),
    [
        ("run", {"calls": -1}, "bad-request", "must not be negative"),
        ("run", {"calls": "3"}, "bad-request", "must be of type int"),
        ("run", {"calls": 1, "set": 9}, "bad-request", "set 9"),
        ("load", {"model": "x.py:f", "mode": "eager"}, "bad-request", "loaded already"),
        ("inputs", {"path": "/nonexistent"}, "inputs", "No such file"),
    ],
)
def test_a_loaded_process_refuses(eager: Baseline, do: str, fields: dict, code: str, reason: str) -> None:
    with pytest.raises(BaselineError, match=reason) as caught:
        eager.ask(do, **fields)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "tensors", [{"input.5": torch.zeros(1)}, {"input.0": torch.zeros(6)}, {"input.x": torch.zeros(1)}]
)
def test_inputs_that_do_not_fit_are_refused(eager: Baseline, tmp_path: Path, tensors: dict) -> None:
    tensorfile.write(tmp_path / "in", tensors)
    with pytest.raises(BaselineError) as caught:
        eager.ask("inputs", path=str(tmp_path / "in"))
    assert caught.value.code == "inputs"


def test_a_static_cache_gives_the_same_step_again(models: Path, tmp_path: Path) -> None:
    with Baseline("eager", threads=1) as process:
        process.load(f"{models}:cache")
        for _ in range(2):
            process.ask("run", calls=3, settle_ms=0)
            process.ask("outputs", path=str(tmp_path / "out"))
            assert tensorfile.read(tmp_path / "out")["output.0"].tolist() == [1.0, 1.0, 1.0]


def test_archives_load_like_sources(models: Path, tmp_path: Path) -> None:
    from hearth import capture

    assert capture.main([f"{models}:norm", str(tmp_path), "--sets", "0"]) == 0
    golden = tensorfile.read(tmp_path / "golden.safetensors")
    with Baseline("eager", threads=1) as process:
        process.load(str(tmp_path / "model.pt2"))
        process.ask("inputs", path=str(tmp_path / "golden.safetensors"))
        process.ask("run", calls=1, settle_ms=0)
        process.ask("outputs", path=str(tmp_path / "out"))
    torch.testing.assert_close(tensorfile.read(tmp_path / "out")["output.0"], golden["output.0"])


@pytest.mark.parametrize("mode", baseline.OTHER_MODES)
def test_other_libraries_agree(models: Path, tmp_path: Path, mode: str) -> None:
    pytest.importorskip(mode)
    pytest.importorskip("onnxscript")
    with Baseline(mode, threads=1) as process:
        process.load(f"{models}:norm")
        process.ask("run", calls=2, settle_ms=0)
        process.ask("outputs", path=str(tmp_path / "out"))
    from hearth.loading import load_function

    source = load_function(f"{models}:norm")
    found = tensorfile.read(tmp_path / "out")
    torch.testing.assert_close(found["output.0"], expected(models, *source.args), rtol=1e-4, atol=1e-5)
