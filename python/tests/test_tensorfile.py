"""The safetensors reader and writer: what is written reads back, broken files are refused with the reason."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from hearth import tensorfile


def everything() -> dict[str, torch.Tensor]:
    """A tensor of every element type, among them empty, scalar and transposed ones."""
    tensors = {name: torch.arange(6).reshape(2, 3).to(dtype) for name, dtype in tensorfile.DTYPES.items()}
    return tensors | {
        "empty": torch.empty(0, 4),
        "scalar": torch.tensor(1.5),
        "transposed": torch.arange(12.0).reshape(3, 4).t(),
    }


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    tensors = everything()
    tensorfile.write(tmp_path / "a.safetensors", tensors, {"made": "here"})
    found = tensorfile.read(tmp_path / "a.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert found[name].contiguous().reshape(-1).view(torch.uint8).tolist() == (
            tensor.contiguous().reshape(-1).view(torch.uint8).tolist()
        ), name
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_data_is_aligned_and_without_gaps(tmp_path: Path) -> None:
    import json

    tensorfile.write(tmp_path / "a.safetensors", everything())
    data = (tmp_path / "a.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert (8 + length) % 64 == 0
    spans = sorted(tuple(row["data_offsets"]) for row in json.loads(data[8 : 8 + length]).values())
    assert spans[0][0] == 0 and spans[-1][1] == len(data) - 8 - length
    assert all(a[1] == b[0] for a, b in zip(spans, spans[1:], strict=False))


def test_the_safetensors_library_reads_it(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    tensors = {"a": torch.randn(3, 5), "b": torch.arange(7), "c": torch.randn(4).bfloat16()}
    tensorfile.write(tmp_path / "a.safetensors", tensors)
    found = library.load_file(tmp_path / "a.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


HEADER = b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too few"),
        (b"\0\0\0", "too few"),
        (struct.pack("<Q", 1 << 60), "past the end"),
        (struct.pack("<Q", 4) + b"nope", "cannot be read"),
        (struct.pack("<Q", 2) + b"[]", "cannot be read"),
        (struct.pack("<Q", len(HEADER)) + HEADER + b"\0" * 4, "do not fit"),
        (struct.pack("<Q", len(HEADER)) + HEADER.replace(b"[2]", b"[3]") + b"\0" * 8, "do not fit"),
        (struct.pack("<Q", len(HEADER)) + HEADER.replace(b"F32", b"F99") + b"\0" * 8, "cannot be read"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "broken").write_bytes(data)
    with pytest.raises(tensorfile.TensorFileError, match=reason):
        tensorfile.read(tmp_path / "broken")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tensorfile.TensorFileError, match="No such file"):
        tensorfile.read(tmp_path / "absent")
