"""Times convolutions of oneDNN over activations in its own blocked layout (blocks of 16 channels) and channels last.

    python Benchmarks/blocked_layouts.py [SAMPLES]

Weights are reordered beforehand for each. Prints the lower times of both and the ratio channels last / blocked: the
median of interleaved pairs with its quartiles; above 1 blocks would be worth something.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

LAYERS = [
    # channels in, channels out, extent, window, stride: those of ResNet-18 and ResNet-50 at one image
    (64, 64, 56, 3, 1),
    (64, 128, 56, 3, 2),
    (128, 128, 28, 3, 1),
    (256, 256, 14, 3, 1),
    (512, 512, 7, 3, 1),
    (64, 256, 56, 1, 1),
    (256, 64, 56, 1, 1),
    (1024, 256, 14, 1, 1),
]


def seconds(call: Callable[[], object]) -> float:
    """Seconds a call, over about 10 ms of calls."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(0.01 / (time.perf_counter() - start)))
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def convolution(x: torch.Tensor, weight: torch.Tensor, window: int, stride: int) -> Callable[[], torch.Tensor]:
    """A convolution of `x` with its weight reordered for it."""
    around = ((window // 2,) * 2, (stride,) * 2, (1, 1), 1)
    packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *around, list(x.shape))
    return lambda: torch.ops.mkldnn._convolution_pointwise(x, packed, None, *around, "none", [], "")


def blocked(x: torch.Tensor, weight: torch.Tensor, window: int, stride: int) -> Callable[[], torch.Tensor]:
    """The same over activations as oneDNN lays them out: the result of a convolution before."""
    around = ((window // 2,) * 2, (stride,) * 2, (1, 1), 1)
    one = ((0, 0), (1, 1), (1, 1), 1)
    channels = x.shape[1]
    before = torch._C._nn.mkldnn_reorder_conv2d_weight(
        torch.randn(channels, channels, 1, 1).to_mkldnn(), *one, list(x.shape)
    )
    laid = torch.mkldnn_convolution(x.to_mkldnn(), before, None, *one)
    packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), *around, list(x.shape))
    return lambda: torch.mkldnn_convolution(laid, packed, None, *around)


def main(samples: int) -> None:
    print("| channels, extent, window/stride | blocked, ms | channels last, ms | channels last / blocked |")
    print("|---|---|---|---|")
    for channels, out, extent, window, stride in LAYERS:
        x = torch.randn(1, channels, extent, extent)
        weight = torch.randn(out, channels, window, window)
        ours = blocked(x, weight, window, stride)
        last = torch.channels_last
        theirs = convolution(x.to(memory_format=last), weight.to(memory_format=last), window, stride)
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(samples)]
        ratios = sorted(b / a for a, b in pairs)
        low, middle, high = (ratios[round((samples - 1) * share)] for share in (0.25, 0.5, 0.75))
        times = [min(pair[side] for pair in pairs) * 1e3 for side in (0, 1)]
        print(
            f"| {channels} to {out}, {extent} x {extent}, {window}/{stride} | {times[0]:.3f} | {times[1]:.3f} "
            f"| {middle:.2f} [{low:.2f}, {high:.2f}] |"
        )


if __name__ == "__main__":
    with torch.inference_mode(False), torch.no_grad():
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 41)
