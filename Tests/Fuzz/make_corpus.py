"""Writes the fuzzing corpus from the fixtures: python3 make_corpus.py [PACKAGE.hearth …] (needs PyTorch, NumPy and safetensors). Packages
are those of small models with states, symbols and calls of libraries."""

import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

import torch
from torch import nn

here = pathlib.Path(__file__).parent
fixtures = here.parent / "ModelFilesTests" / "Fixtures"
corpus = here / "corpus"


def put(reader, name, content):
    folder = corpus / reader
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def entry(path, suffix):
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(suffix)))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.register_buffer("mask", torch.ones(2, 2).tril().t()[:1].expand(4, 2), persistent=False)

    def forward(self, x):
        return self.linear(x + self.mask[0]).relu().split([1, 2], 1)


def shrunk(path):
    """The archive with metadata and padding left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for item in old.infolist():
            content = old.read(item)
            if "models/" in item.filename:
                program = json.loads(content)
                for node in program["graph_module"]["graph"]["nodes"]:
                    node["metadata"] = {"stack_trace": "line 1"}
                content = json.dumps(program, separators=(",", ":")).encode()
            new.writestr(zipfile.ZipInfo(item.filename), content)
    return buffer.getvalue()


torch.manual_seed(0)
buffer = io.BytesIO()
torch.export.save(torch.export.export(Small(), (torch.ones(4, 2),)), buffer)
put("pt2", "small.pt2", shrunk(buffer))
for name in ["tied.functional.pt2", "choice.pt2", "old.pt2"]:
    put("pt2", name, shrunk(fixtures / name))

put("zip", "torch.zip", (fixtures / "checkpoint.pt").read_bytes())
plain = io.BytesIO()
with zipfile.ZipFile(plain, "w") as archive:
    archive.comment = b"PK\x05\x06 a comment"
    archive.writestr("a.txt", b"hello")
    archive.writestr("folder/b.bin", bytes(range(40)))
put("zip", "plain.zip", plain.getvalue())
wide = io.BytesIO()
with zipfile.ZipFile(wide, "w") as archive, archive.open(zipfile.ZipInfo("wide"), "w", force_zip64=True) as file:
    file.write(b"12345678")
put("zip", "zip64.zip", wide.getvalue())

put("json", "model.json", entry(io.BytesIO((corpus / "pt2" / "small.pt2").read_bytes()), "model.json"))
put(
    "json",
    "values.json",
    '[null,true,false,0,-1,9223372036854775807,-9223372036854775808,1.5e-3,"a\\u00e9\\ud83d\\ude00\\n"]',
)
put("json", "nested.json", '{"a":{"b":[{"c":[[[]]]},{}]},"d":" é 😀","e":[1E5,-0.0,NaN,-Infinity]}')

put(
    "pickle",
    "inputs.pkl",
    pickle_of := entry(io.BytesIO(entry(fixtures / "tied.functional.pt2", "inputs/model.pt")), "data.pkl"),
)
put("pickle", "state.pkl", entry(fixtures / "checkpoint.pt", "data.pkl"))
for protocol in (2, 4, 5):
    shared = [1, 2.5, "x", b"bytes", None, True, 1 << 40, -5, complex(1, 2), {3}, frozenset([4])]
    put(
        "pickle",
        f"values{protocol}.pkl",
        pickle.dumps(
            [shared, shared, collections.OrderedDict(a=1), bytearray(b"q")][: 3 if protocol < 5 else 4], protocol
        ),
    )

header = json.dumps(
    {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]},
        "e": {"dtype": "I64", "shape": [0, 5], "data_offsets": [26, 26]},
    }
).encode()
put("safetensors", "three.safetensors", struct.pack("<Q", len(header)) + header + bytes(26))
put("safetensors", "none.safetensors", struct.pack("<Q", 2) + b"{}")

put(
    "expression",
    "sum.txt",
    "Add(Mul(Integer(2), FloorDiv(Symbol('s27', positive=True, integer=True), Integer(2))), Integer(1))",
)
put(
    "expression",
    "others.txt",
    "Max(Integer(-1), Pow(Symbol('u0', integer=True), Rational(1, 2)), Float('1.5', precision=53), oo)",
)
put("expression", "plain.txt", "2*s0 + 3*(s1//2)**2 - s2 % 4")
put(
    "expression",
    "relation.txt",
    "And(StrictGreaterThan(Symbol('s0'), Integer(1)), Not(Equality(Symbol('s1'), Integer(2))), true)",
)

for folder in map(pathlib.Path, sys.argv[1:]):
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["hash"]
    manifest["provenance"] = {"model": folder.stem}
    both = {"manifest": manifest, "plan": json.loads((folder / "plan.json").read_text())}
    put("package", f"{folder.stem}.json", json.dumps(both, separators=(",", ":")))
trial = {
    "region": "5f",
    "candidate": "v6 tile=2",
    "machine": "sm_90a",
    "schedule": "tile=2 stages=4",
    "agent": "random",
}
put("trial", "timed.json", json.dumps({**trial, "seconds": 1.5e-05, "championSeconds": 2, "isWin": True}))
put("trial", "refused.json", json.dumps({**trial, "refused": "inaccurate: max 3"}))
header = {"format": "hearth-archive", "version": 1}
machine = {
    "fingerprint": "0123456789abcdef",
    "kind": "cpu",
    "model": "CPU",
    "features": ["avx2", "fma"],
    "cores": 4,
    "threads": 8,
    "caches": [32768, 1048576, 0],
    "memory": 68719476736,
}
kernel = {
    "key": "5f",
    "kind": "contraction",
    "family": "a0",
    "element": "bf16",
    "elements": ["bf16", "f32"],
    "extents": {"rows": 128, "columns": 64},
    "bytes": 1.5e6,
    "operations": 0.5,
}
tried = {
    "kernel": "5f",
    "machine": "0123456789abcdef",
    "generator": "7",
    "compiler": "clang 19",
    "schedule": "tile=2 x.y=-1",
    "agent": "evolution",
    "time": 1763000000,
}
timed = {
    **tried,
    "seconds": 1.5e-05,
    "champion_seconds": 2,
    "won": True,
    "speedup": [1.1, 1.2, 1.3],
    "calls": 7,
    "groups": 9,
}
refused = {**tried, "refused": "wrong output: p2"}
signature = {"signature": "ed25519", "key": "0a" * 32, "sha256": "1b" * 32, "value": "2c" * 64}
lines = [header, {"machine": machine}, {"kernel": kernel}, {"trial": timed}, {"trial": refused}]
put("archive", "unsigned.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
put("archive", "signed.jsonl", "".join(json.dumps(line) + "\n" for line in lines + [signature]))
put("archive", "empty.jsonl", json.dumps(header))
