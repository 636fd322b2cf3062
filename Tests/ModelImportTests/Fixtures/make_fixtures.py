"""Writes the operator fixtures: the rows of Benchmarks/operators.py, many to a program, at all three levels, with eager
PyTorch's results. Stack traces are left out to keep the files small. Run with the project's Python environment:

    python Tests/ModelImportTests/Fixtures/make_fixtures.py [FAMILY …]

Without families all are written anew.
"""

import pathlib
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Benchmarks/models"), str(ROOT / "python")]

import features  # noqa: E402
import operators  # noqa: E402
import torch  # noqa: E402
from hearth import capture, loading, tensorfile  # noqa: E402

# What import refuses, tested elsewhere: control flow on values, projections of recurrent networks.
# The core level unrolls recurrent networks into thousands of nodes and is left out for them.
REFUSED = ["control.cond", "recur.lstm_projected"]
MODELS = ["nested", "tied", "counter", "recurrent", "windows", "indexing", "norms", "dynamic"]


class Group(torch.nn.Module):
    """The modules of several rows side by side."""

    def __init__(self, parts):
        super().__init__()
        self.parts = torch.nn.ModuleList(parts)

    def forward(self, *inputs):
        return [part(*given) for part, given in zip(self.parts, inputs, strict=True)]


def write(name, source, levels, sets):
    """The goldens and the programs of one source."""
    tensors, _ = capture.golden(source, sets, 0)
    tensorfile.write(HERE / f"{name}.golden.safetensors", tensors)
    for level in levels:
        program, reached, notes = capture.export(source, level)
        if reached != level:
            sys.exit(f"{name}: {notes}")
        for node in program.graph.nodes:
            for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn"):
                node.meta.pop(key, None)
        torch.export.save(program, HERE / f"{name}.{level}.pt2")


def main():
    warnings.filterwarnings("ignore")
    only = sys.argv[1:]
    for old in [*HERE.glob("*.pt2"), *HERE.glob("*.safetensors")]:
        if not only or old.name.split(".")[0] in only:
            old.unlink()
    torch.manual_seed(0)
    groups = {}
    for name, row in operators.rows().items():
        if name not in REFUSED and (not only or name.split(".")[0] in only):
            groups.setdefault(name.split(".")[0], []).append(row)
    for name, rows in groups.items():
        parts = [body if isinstance(body, torch.nn.Module) else operators.Call(body) for body, _ in rows]
        module = Group(parts).eval().requires_grad_(False)
        inputs = tuple(tuple(given) for _, given in rows)
        source = loading.Source(module, inputs, {}, None, pathlib.Path(__file__), name, None)
        write(name, source, [level for level in capture.LEVELS if level != "core" or name != "recur"], 0)
    for name in MODELS if not only or "model" in only else []:
        module, inputs, *dims = getattr(features, name)()
        source = loading.Source(module, inputs, {}, dims[0] if dims else None, pathlib.Path(__file__), name, None)
        write(f"model.{name}", source, [level for level in capture.LEVELS if level != "core" or name != "recurrent"], 1)


main()
