"""Shared by the tests: the path to the package, and small models written to a file as a user would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from built import BUILT

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

MODELS = """
import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 5)
        self.norm = nn.LayerNorm(5)

    def forward(self, x, scale):
        return self.norm(self.linear(x)) * scale, {"sum": x.sum()}


class Cache(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("cache", torch.zeros(4, 3), persistent=False)

    def forward(self, x, position):
        self.cache.index_copy_(0, position, x)
        return self.cache.sum(0)


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:  # the culprit
            return x * 2
        return x


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.branch = Branch()

    def forward(self, x):
        return self.branch(self.linear(x))


class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.zeros(2, 3)

    def forward(self, x):
        self.hidden = self.hidden * 0.5 + x
        return self.hidden


def norm():
    torch.manual_seed(0)
    return Norm(), (torch.randn(3, 6), torch.tensor(2.0))


def norm_inputs(seed):
    return torch.full((3, 6), float(seed)), torch.tensor(0.5)


def keywords():
    torch.manual_seed(0)
    return Norm(), {"scale": torch.tensor(2.0), "x": torch.randn(3, 6)}


def dynamic():
    torch.manual_seed(0)
    return Norm(), (torch.randn(3, 6), torch.tensor(2.0)), {"x": {0: ("batch", 2, 9)}, "scale": None}


def cache():
    return Cache(), (torch.ones(1, 3), torch.tensor([2]))


def lstm():
    torch.manual_seed(0)
    return nn.LSTM(4, 3), torch.randn(5, 2, 4)


def branch():
    return Holder(), torch.randn(2, 3)


def forgetful():
    return Forgetful(), torch.randn(2, 3)


def script():
    return torch.jit.script(nn.Linear(3, 3)), torch.randn(2, 3)


def misfit():
    return nn.Linear(3, 3), torch.randn(2, 4)


class Counted(nn.Module):
    def forward(self, x):
        return torch.zeros(int(x.sum().item())) + x.sum()


class Numeric(nn.Module):
    def forward(self, x):
        return torch.from_numpy(x.numpy() * 2)


def counted():
    return Counted(), torch.ones(3)


def numeric():
    return Numeric(), torch.ones(3)


def strange_name():
    return nn.Linear(6, 5), torch.randn(3, 6), {"nope": {0: "batch"}}


def strange_axis():
    return nn.Linear(6, 5), torch.randn(3, 6), {"input": {7: "batch"}}


def fixed_axis():
    return nn.Linear(6, 5), torch.randn(3, 6), {"input": {1: ("width", 2, 9)}}


def pair_of_wrong_things():
    return "model", torch.randn(3)


def numbers_for_inputs():
    return nn.Linear(3, 3), 5


def too_many_inputs():
    return nn.Linear(3, 3), (torch.randn(2, 3), torch.randn(2, 3))


def leaves():
    raise SystemExit(3)


def nothing():
    return nn.Linear(3, 3)


def broken():
    return nn.Linear(3, "x"), torch.randn(2, 3)
"""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python file with small models."""
    path = tmp_path_factory.mktemp("user") / "user_models.py"
    path.write_text(MODELS)
    return path


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The command and the library that were built here, with an archive of their own, as `hearth.optimize` finds them."""
    if BUILT is None:
        pytest.skip("hearth and libHearthC.so are not built; see HEARTH_BUILD")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_TOOL", str(BUILT[0]))
        patch.setenv("HEARTH_LIBRARY", str(BUILT[1]))
        patch.setenv("HEARTH_ARCHIVE", str(tmp_path_factory.mktemp("archive") / "archive.sqlite"))
        yield
