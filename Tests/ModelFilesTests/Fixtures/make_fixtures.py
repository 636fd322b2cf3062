"""Writes the model files that the tests read: python3 make_fixtures.py (PyTorch 2.13 was used).

One small model with tied weights, a mutated buffer, a buffer that is not persistent, a literal tensor, a dynamic
dimension, a nested input and nested outputs, at the three levels at which programs are saved; a conditional; and files
that are not exported programs.
"""

import collections
import io
import pathlib
import zipfile

import torch
from torch import nn

folder = pathlib.Path(__file__).parent


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(8, 4)
        self.head = nn.Linear(4, 8, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("steps", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("scale", torch.arange(8.0)[::2], persistent=False)

    def forward(self, ids, options):
        self.steps.add_(1)
        hidden = self.embedding(ids) * self.scale * options["gain"]
        pair = torch.cat([hidden, hidden], 1)
        half = torch.zeros(ids.shape[1] // 2 + 1)
        return {"logits": self.head(hidden), "extra": (pair, [half, self.steps + torch.tensor([1, 2, 3])])}


class Choice(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x.sin() * float("inf"), lambda x: x.cos(), [x])


def shrink(program):
    """Drops what tells about the machine and what no reader needs."""
    for module in [program.graph_module] + [m for m in program.graph_module.children()]:
        for node in getattr(module, "graph", torch.fx.Graph()).nodes:
            node.meta.pop("from_node", None)
            trace = node.meta.get("stack_trace")
            if trace:
                lines = [line for line in trace.split("\n") if "File" not in line]
                node.meta["stack_trace"] = 'File "model.py", line 1, in forward\n' + (lines or [""])[-1]
    return program


def save(name, program):
    torch.export.save(shrink(program), str(folder / name))


def rezip(source, target, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(folder / source) as old, zipfile.ZipFile(folder / target, "w", compression) as new:
        for item in old.infolist():
            content = change(item.filename, old.read(item))
            if content is not None:
                new.writestr(zipfile.ZipInfo(item.filename), content, compression)


torch.manual_seed(0)
length = torch.export.Dim("length", min=2, max=64)
inputs = (torch.arange(6).reshape(2, 3), {"gain": torch.full((4,), 0.5)})
program = torch.export.export(Tied().eval(), inputs, dynamic_shapes=({1: length}, {"gain": None}))
save("tied.exported.pt2", program)
save("tied.functional.pt2", program.run_decompositions({}))
save("tied.core.pt2", program.run_decompositions())
save("choice.pt2", torch.export.export(Choice(), (torch.ones(3),)))

state = Tied().half().state_dict()
torch.save(state, folder / "checkpoint.pt")
torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
torch.jit.script(nn.ReLU()).save(str(folder / "script.pt"))

rezip("tied.functional.pt2", "deflated.pt2", lambda name, content: content, zipfile.ZIP_DEFLATED)

# The layout of PyTorch 2.7 and before: one JSON file, and pickles beside it.
with zipfile.ZipFile(folder / "tied.functional.pt2") as source, zipfile.ZipFile(folder / "old.pt2", "w") as target:
    model = source.read("tied.functional/models/model.json")

    def saved(value):
        buffer = io.BytesIO()
        torch.save(value, buffer)
        return buffer.getvalue()

    functional = program.run_decompositions({})
    for name, content in [
        ("version", b"8.8"),
        ("serialized_exported_program.json", model),
        ("serialized_state_dict.pt", saved(collections.OrderedDict(functional.state_dict))),
        ("serialized_constants.pt", saved(dict(functional.constants))),
        ("serialized_example_inputs.pt", saved(program.example_inputs)),
    ]:
        target.writestr(zipfile.ZipInfo(name), content)
