"""Torchvision's architectures with random weights: each function of this file is one of them by its name in
`torchvision.models`, on one small image, or one of the size that the name says (`resnet18_px224`: 224 × 224).

Those for classification and segmentation, and two backbones of its detectors. Those above a gigabyte, quantised ones and
those of videos and optical flow are left out.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

SMALLEST = {"inception_v3": 96, "maxvit_t": 224, "vit_h_14": 98, "alexnet": 96, "vgg": 64, "squeezenet": 64}
"""Sizes of images below which an architecture cannot go, by the beginning of its name; of others 64."""

HUGE = ("regnet_y_128gf", "vit_h_14", "vit_l_16", "vit_l_32")
"""Above a gigabyte of weights."""

BACKBONES = ("resnet_fpn", "mobilenet_fpn")


def declare_operators() -> None:
    """PyPI's torchvision beside the processor's PyTorch lacks its own operators."""
    if hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    declared.append(library)


declared: list[torch.library.Library] = []


def architectures() -> list[str]:
    """The names of all, but those above a gigabyte."""
    declare_operators()
    import torchvision

    classifiers = torchvision.models.list_models(module=torchvision.models)
    segmenters = torchvision.models.list_models(module=torchvision.models.segmentation)
    return [name for name in classifiers if name not in HUGE] + segmenters + list(BACKBONES)


def module(name: str) -> nn.Module:
    """An architecture in eval mode."""
    declare_operators()
    import torchvision
    from torchvision.models.detection import backbone_utils

    torch.manual_seed(0)
    if name == "resnet_fpn":
        return backbone_utils.resnet_fpn_backbone(backbone_name="resnet50", weights=None).eval()
    if name == "mobilenet_fpn":
        return backbone_utils.mobilenet_backbone("mobilenet_v3_large", weights=None, fpn=True).eval()
    further: dict[str, Any] = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    if name in torchvision.models.list_models(module=torchvision.models.segmentation):
        further = {"weights_backbone": None}
    made = torchvision.models.get_model(name, weights=None, **further).eval()
    # A head of zeros, as vision transformers begin with, would let nothing through.
    for part in made.modules():
        if isinstance(part, nn.Linear) and not part.weight.any():
            nn.init.normal_(part.weight, std=0.02)
    return made


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name.endswith("_inputs"):
        raise AttributeError(name)
    found = re.fullmatch(r"(.+?)(?:_px(\d+))?", name)
    assert found is not None
    smallest = next((size for start, size in SMALLEST.items() if found[1].startswith(start)), 64)
    if found[1].startswith(("vit_", "swin")) and not found[2]:
        smallest = 224
    size = int(found[2] or smallest)

    def make() -> tuple[nn.Module, tuple[Tensor]]:
        generator = torch.Generator().manual_seed(1)
        return module(found[1]), (torch.randn(1, 3, size, size, generator=generator),)

    return make
