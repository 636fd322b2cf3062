"""Runs kernels written in Triton on the processor, by Triton's interpreter: the other end of the Swift tests' `InterpretedTriton`.
Frames as in `hearth.triton_worker`; needs triton, torch and numpy.

    {"do": "hello"}  -> {"ok": true}
    {"do": "run", "text": T, "symbol": S, "arguments": [[NAME, TYPE]...], "blocks": B, "memory": FILE,
     "buffers": [[OFFSET, BYTES]...], "dimensions": [N...]}
        -> {"ok": true}; the file's bytes are what the kernel left, after two launches
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
import traceback
from pathlib import Path

if __name__ == "__main__":
    # What the parent had open when it started this process is not for us: others wait for its end.
    os.closerange(3, 65536)
os.environ["TRITON_INTERPRET"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from hearth.triton_worker import load_module, read_frame  # noqa: E402

TYPES = {
    "*fp32": torch.float32,
    "*fp16": torch.float16,
    "*bf16": torch.bfloat16,
    "*i64": torch.int64,
    "*i32": torch.int32,
    "*i16": torch.int16,
    "*i8": torch.int8,
    "*u8": torch.uint8,
}


def mend_interpreter() -> None:
    """Triton 3.6's interpreter makes numbers of arrays of one element in a way that NumPy 2.4 refuses, and multiplies the bits
    of bf16."""
    import triton.language as tl
    from triton.runtime import interpreter

    dot = interpreter.InterpreterBuilder.create_dot

    def widened(handle: object) -> object:
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        return interpreter.TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)

    interpreter.InterpreterBuilder.create_dot = lambda self, a, b, *rest: dot(self, widened(a), widened(b), *rest)

    original = interpreter._patch_lang_tensor

    def patched(tensor: type, scope: object) -> None:
        original(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = patched


def run(request: dict) -> None:
    """Two launches: what one leaves in counters must do for the next."""
    memory = np.memmap(request["memory"], dtype=np.uint8, mode="r+")
    pointers = [kind for _, kind in request["arguments"] if kind.startswith("*")]
    values = []
    for kind, (offset, size) in zip(pointers, request["buffers"], strict=True):
        values.append(torch.from_numpy(memory[offset : offset + size]).view(TYPES[kind]))
    numbers = iter(request["dimensions"])
    pointed = iter(values)
    arguments = [next(pointed) if kind.startswith("*") else next(numbers) for _, kind in request["arguments"]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.py"
        path.write_text(request["text"])
        kernel = getattr(load_module(path), request["symbol"])
        for _ in range(2):
            kernel[(request["blocks"],)](*arguments)
    memory.flush()


def main() -> None:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    mend_interpreter()
    while (request := read_frame(sys.stdin.buffer)) is not None:
        try:
            if request["do"] == "run":
                run(request)
            answer = {"ok": True}
        except Exception:
            answer = {"ok": False, "error": traceback.format_exc()[-2000:]}
        body = json.dumps(answer).encode()
        sink.write(struct.pack("<I", len(body)) + body)
        sink.flush()


if __name__ == "__main__":
    main()
