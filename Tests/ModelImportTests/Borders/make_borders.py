"""Writes the border cases: tiny programs whose inputs, outputs, states, shapes or control flow are out of the ordinary,
with eager PyTorch's results where they are to be imported. Run with the project's Python environment:

    python Tests/ModelImportTests/Borders/make_borders.py
"""

import collections
import dataclasses
import pathlib
import re
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "python"))

import torch  # noqa: E402
from hearth import capture, loading, tensorfile  # noqa: E402
from torch import nn  # noqa: E402
from torch._higher_order_ops import scan  # noqa: E402
from torch._higher_order_ops.map import map as mapped  # noqa: E402
from torch.export import Dim  # noqa: E402

Pair = collections.namedtuple("Pair", "first second")


@dataclasses.dataclass
class Batch:
    values: torch.Tensor
    weights: torch.Tensor


torch.export.register_dataclass(Batch, serialized_type_name="Batch")
torch.utils._pytree._register_namedtuple(Pair, serialized_type_name="Pair")


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, y=None):
        return self.function(x) if y is None else self.function(x, y)


class Numbers(nn.Module):
    def forward(self, x, flag: bool, count: int, scale: float, nothing=None):
        y = x * count + scale
        return {"sum": y if flag else x, "rest": (x.shape[0], None, 2.5, True, y[0])}


class Structures(nn.Module):
    def forward(self, batch, pair, table):
        total = (batch.values * batch.weights).sum(0) + table["a"]["b"]
        return Pair(total, {"z": pair.second, "list": [pair.first * 2, total]})


class Buffers(nn.Module):
    """Two buffers change, one of them through a view, and what they hold then is returned."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("rows", torch.zeros(3, 2))
        self.register_buffer("still", torch.ones(2))

    def forward(self, x):
        self.count += 1
        self.rows[1:].copy_(x)
        self.rows[0].add_(self.still)
        return self.rows * self.count, self.count, self.rows


class Shared(nn.Module):
    """A tied weight, a view of a parameter as a buffer, and one parameter under two names."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("first", self.embed.weight.detach()[1:3])
        self.register_buffer("turned", self.embed.weight.detach().t())

    def forward(self, x):
        return self.head(self.embed(x)) + self.first.sum() + self.turned[0].mean()


class SharedWritten(nn.Module):
    """A buffer that is written and shares memory with another."""

    def __init__(self):
        super().__init__()
        self.register_buffer("whole", torch.zeros(4))
        self.register_buffer("part", self.whole[:2])

    def forward(self, x):
        self.whole.add_(x)
        return self.part * 1


class Loop(nn.Module):
    def forward(self, x):
        return torch.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (torch.tensor(0), x))[1]


class Cond(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda v: v * 2, lambda v: v - 1, (x,))


class Statistics(nn.Module):
    """A batch norm in training mode."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("variance", torch.ones(3))

    def forward(self, x):
        return nn.functional.batch_norm(x, self.mean, self.variance, training=True, momentum=0.3)


class Held(nn.Module):
    """Writes a tensor that it holds and never registered."""

    def __init__(self):
        super().__init__()
        self.held = torch.ones(3)

    def forward(self, x):
        self.held.mul_(x)
        return self.held + 1


class Until(nn.Module):
    """A loop that the data ends."""

    def forward(self, x):
        return torch.while_loop(lambda v, n: v.sum() < 9, lambda v, n: (v * 2, n + 1), (x, torch.tensor(0)))


class Nested(nn.Module):
    """A loop that the data ends, in a branch."""

    def forward(self, x):
        def until(x):
            return torch.while_loop(lambda v: v.sum() < 9, lambda v: (v * 2,), (x,))[0]

        return torch.cond(x.sum() > 0, until, lambda x: x.clone(), (x,))


class Scan(nn.Module):
    def forward(self, x, state):
        return scan(lambda s, x: (s * 0.5 + x, s.sum() * x), state, x, dim=0)


class Rows(nn.Module):
    """Rows cut where the data says."""

    def forward(self, x, n):
        count = n.item()
        torch._check(count >= 0)
        torch._check(count <= x.shape[0])
        return x.narrow(0, 0, count) * 2


def f(*shape):
    return torch.randn(shape)


# name: module, inputs, dynamic dims. Those at the end are refused.
CASES = {
    "output-is-input": (Call(lambda x: (x, x + 1)), (f(2, 3),), None),
    "output-twice": (Call(lambda x: [x * 2] * 2 + [x.exp(), x * 2]), (f(2, 3),), None),
    "output-views": (Call(lambda x: (lambda y: (y, y.t(), y[0], y[:, 1:2], y.view(-1)))(x * 2)), (f(2, 3),), None),
    "output-none": (Call(lambda x: (None, x + 1, None)), (f(2, 3),), None),
    "output-empty": (Call(lambda x: (x[:0], x.sum(), x[:, 3:])), (f(2, 3),), None),
    "output-constant": (Call(lambda x: (torch.arange(3), torch.tensor([1.5, 2.5]), x + 1)), (f(2, 3),), None),
    "numbers": (Numbers(), (f(2, 3), True, 4, 0.5, None), None),
    "structures": (
        Structures(),
        (Batch(f(2, 3), f(2, 3)), Pair(f(3), f(2)), {"a": {"b": f(3)}}),
        None,
    ),
    "buffers": (Buffers(), (f(2, 2),), None),
    "shared": (Shared(), (torch.tensor([1, 4, 0]),), None),
    "several-symbols": (
        Call(lambda x, y: (x @ y).flatten() * x.shape[1]),
        (f(3, 5), f(5, 4)),
        ({0: Dim("a", min=2, max=9), 1: Dim("b", min=2, max=20)}, {0: Dim("b", min=2, max=20), 1: Dim("c", max=7)}),
    ),
    "divisible": (
        Call(lambda x: x.view(-1, 4).sum(1)),
        (f(12),),
        ({0: 4 * Dim("quarter", min=1, max=16)},),
    ),
    "halves": (
        Call(lambda x: x[: x.shape[0] // 2] + x[x.shape[0] // 2 :]),
        (f(6, 2),),
        ({0: 2 * Dim("half", min=1, max=16)},),
    ),
    "related": (
        Call(lambda x, y: x[1:] * y),
        (f(6, 2), f(5, 2)),
        ({0: Dim("n", min=3, max=16)}, {0: Dim("n", min=3, max=16) - 1}),
    ),
    "output-size": (Call(lambda x: (x.shape[0], x * 2)), (f(6, 2),), ({0: Dim("n", min=2, max=16)},)),
    "item-as-factor": (Call(lambda x, n: x * n.item()), (f(2, 3), torch.tensor(2.5)), None),
    "refused-input-written": (Call(lambda x: x.add_(1)), (f(2, 3),), None),
    "cond": (Cond(), (f(3),), None),
    "while": (Loop(), (f(3),), None),
    "scan": (Scan(), (f(4, 3), f(3)), None),
    "map": (Call(lambda x, y: mapped(lambda row, y: row * y.sum() + 1, x, y)), (f(4, 3), f(2)), None),
    "statistics": (Statistics(), (f(4, 3, 5),), None),
    "held": (Held(), (f(3),), None),
    "refused-while": (Nested(), (f(3).abs(),), None),
    "refused-nonzero": (Call(lambda x: x.nonzero()), (f(3),), None),
    "refused-mask": (Call(lambda x: x[x > 0]), (f(3),), None),
    "refused-rows": (Rows(), (f(3, 2), torch.tensor(2)), None),
    "refused-random": (Call(lambda x: x + torch.poisson(x.exp())), (f(3),), None),
    "refused-complex-output": (Call(lambda x: torch.fft.rfft(x)), (f(6),), None),
    "refused-complex-input": (Call(lambda x: torch.view_as_real(x)), (torch.randn(3, dtype=torch.complex64),), None),
    "refused-shared-written": (SharedWritten(), (f(4),), None),
    "until": (Until(), (f(3).abs(),), None),
    "long-scan": (Scan(), (f(4, 3), f(3)), ({0: Dim("n", min=2, max=40)}, None)),
    "long-map": (
        Call(lambda x, y: mapped(lambda row, y: row * y.sum() + 1, x, y)),
        (f(4, 3), f(2)),
        ({0: Dim("n", min=2, max=40)}, None),
    ),
    "refused-real-of-size": (Call(lambda x: (x.shape[0] / 3, x * 2)), (f(6, 2),), ({0: Dim("n", min=2, max=16)},)),
}


def main():
    warnings.filterwarnings("ignore")
    # Names given make those alone.
    wanted = {name: case for name, case in CASES.items() if name in (sys.argv[1:] or CASES)}
    for name in wanted:
        for old in HERE.glob(f"{name}.*"):
            old.unlink()
    torch.manual_seed(0)
    for name, (module, inputs, dims) in wanted.items():
        module = module.eval().requires_grad_(False)
        source = loading.Source(module, inputs, {}, dims, pathlib.Path(__file__), name, None)
        if not name.startswith("refused"):
            tensors, _ = capture.golden(source, 0, 0)
            tensorfile.write(HERE / f"{name}.golden.safetensors", tensors)
        program = torch.export.export(module, inputs, dynamic_shapes=dims, strict=False)
        if name not in ("refused-shared-written", "held"):  # torch itself gives up there.
            program = program.run_decompositions({})
        for key in ("nn_module_stack", "source_fn_stack", "from_node", "torch_fn"):
            for node in program.graph.nodes:
                node.meta.pop(key, None)
        for node in program.graph.nodes:
            # The last frames, without the folders of this machine.
            frames = re.findall(r'File "([^"]+)"(.*)\n\s+(.*)', node.meta.get("stack_trace", ""))[-4:]
            places = [f'  File "{pathlib.Path(file).name}"{place}\n    {code[:80]}\n' for file, place, code in frames]
            node.meta["stack_trace"] = "".join(places)
        torch.export.save(program, HERE / f"{name}.pt2")


main()
