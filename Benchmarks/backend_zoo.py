"""Runs models through `torch.compile(backend="hearth")` with default schedules, and compares them with themselves in
PyTorch.

    python Benchmarks/backend_zoo.py [NAME …]

Without names: the suite, the zoo's small models, and where they are installed torchvision's architectures and the
first and last model of timm's list. One line a model: the seconds of its first call, its graphs, packages, the calls
that PyTorch keeps, and the largest difference from PyTorch as a part of the largest result. Wants the command and the
library where `hearth` finds them.
"""

from __future__ import annotations

import copy
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

MODELS = Path(__file__).resolve().parent / "models"
sys.path[:0] = [str(MODELS.parent.parent / "python"), str(MODELS)]

from zoo_torchvision import declare_operators  # noqa: E402

Model = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]

VISION = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5",
    "mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "swin_v2_t", "vgg11", "vit_b_32",
]  # fmt: skip
SEGMENTATION = ["fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]


def from_file(spec: str) -> Model:
    """A model of `Benchmarks/models`."""
    from hearth.loading import load_function

    source = load_function(str(MODELS / spec))
    return source.module, source.args, source.kwargs


def image(size: int) -> tuple[torch.Tensor]:
    return (torch.randn(1, 3, size, size),)


def models() -> Iterator[tuple[str, Callable[[], Model]]]:
    """All models by name."""
    import suite

    for entry in suite.ENTRIES:
        yield entry.name, lambda entry=entry: from_file(entry.function)
    for file in ("zoo_transformers", "zoo_audio", "zoo_vision"):
        for function in re.findall(r"^def ([a-z]\w*)\(\)", (MODELS / f"{file}.py").read_text(), re.M):
            yield f"{file}.{function}", lambda file=file, function=function: from_file(f"{file}.py:{function}")
    try:
        import torchvision
    except (ImportError, RuntimeError):
        pass
    else:
        for name in VISION:
            further = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
            size = 224 if name in ("maxvit_t", "vit_b_32") else 128
            yield f"torchvision.{name}", lambda name=name, further=further, size=size: (
                torchvision.models.get_model(name, weights=None, **further), image(size), {}
            )  # fmt: skip
        for name in SEGMENTATION:
            make = getattr(torchvision.models.segmentation, name)
            yield f"torchvision.{name}", lambda make=make: (make(weights=None, weights_backbone=None), image(96), {})
    try:
        import timm
    except ImportError:
        return
    names = timm.list_models()
    for name in (names[0], names[-1]):
        yield f"timm.{name}", lambda name=name: timm_model(name)


def timm_model(name: str) -> Model:
    import timm

    module = timm.create_model(name, pretrained=False)
    return module, image(module.default_cfg["input_size"][1]), {}


def row(make: Callable[[], Model]) -> str:
    """What came of a model."""
    from hearth.backend import graphs

    module, args, kwargs = make()
    module.eval()
    torch._dynamo.reset()
    with torch.no_grad():
        expected = copy.deepcopy(module)(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        before = len(graphs())
        fast = torch.compile(module, backend="hearth", options={"search": "off"})
        start = time.perf_counter()
        given = fast(*args, **kwargs)
        seconds = time.perf_counter() - start
    pairs = zip(pytree.tree_leaves(given), pytree.tree_leaves(expected), strict=True)
    differences = [
        ((ours.double() - theirs.double()).abs().max() / (theirs.double().abs().max() + 1e-30)).item()
        for ours, theirs in pairs
        if isinstance(theirs, torch.Tensor) and theirs.numel() and not theirs.is_complex()
    ]
    made = [graph.split for graph in graphs()[before:]]
    parts = sum(len(split.parts) for split in made if split is not None)
    kept = [
        f"{one.operator} x{one.count}: {one.reason[:120]}" for split in made if split is not None for one in split.kept
    ]
    return f"{seconds:.1f} | {len(made)} | {parts} | {'; '.join(kept) or '-'} | {max(differences, default=0):.1e}"


def main() -> None:
    warnings.filterwarnings("ignore")
    declare_operators()
    wanted = sys.argv[1:]
    print("| model | first call, s | graphs | packages | kept by PyTorch | difference |\n|---|---|---|---|---|---|")
    for name, make in models():
        if wanted and name not in wanted:
            continue
        try:
            print(f"| {name} | {row(make)} |", flush=True)
        except Exception as error:
            print(f"| {name} | failed: {type(error).__name__}: {' '.join(str(error).split())[:200]} |", flush=True)


if __name__ == "__main__":
    main()
