"""Reads and writes safetensors files with nothing but PyTorch.

Format: eight bytes little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}`, then the bytes of
all tensors without gaps. The header is padded with spaces so that the data starts at a multiple of 64 bytes.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
}
NAMES: dict[torch.dtype, str] = {dtype: name for name, dtype in DTYPES.items()}


class TensorFileError(ValueError):
    """A file that is not a safetensors file, or a tensor that the format cannot hold."""


def write(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes `tensors` to `path`, which appears whole or not at all."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    dense: list[Tensor] = []
    offset = 0
    # Widest elements first, so that every tensor is aligned to its element although no gaps are allowed.
    for name, tensor in sorted(tensors.items(), key=lambda item: -item[1].element_size()):
        if tensor.dtype not in NAMES:
            raise TensorFileError(f"tensor '{name}': element type {tensor.dtype} does not fit into a safetensors file")
        tensor = tensor.detach().cpu().contiguous()
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        dense.append(tensor)
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    partial = Path(f"{os.fspath(path)}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for tensor in dense:
                if tensor.numel():
                    file.write(ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size()))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of the file, each in memory of its own. Throws `TensorFileError` with the reason."""
    where = f"'{os.fspath(path)}'"
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise TensorFileError(f"{where}: {error.strerror}") from None
    if len(data) < 8:
        raise TensorFileError(f"{where}: {len(data)} bytes are too few for a safetensors file")
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        raise TensorFileError(f"{where}: header of {length} bytes runs past the end ({len(data)} bytes)")
    try:
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        rows = [(name, DTYPES[r["dtype"]], tuple(r["shape"]), *r["data_offsets"]) for name, r in header.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"{where}: header cannot be read: {error!r}") from None
    found: dict[str, Tensor] = {}
    for name, dtype, shape, start, end in rows:
        tensor = torch.empty(shape, dtype=dtype)
        size = math.prod(shape) * tensor.element_size()
        if end - start != size or start < 0 or 8 + length + end > len(data):
            raise TensorFileError(f"{where}: tensor '{name}': bytes {start}..<{end} do not fit shape {list(shape)}")
        if size:
            ctypes.memmove(tensor.data_ptr(), data[8 + length + start : 8 + length + end], size)
        found[name] = tensor
    return found
