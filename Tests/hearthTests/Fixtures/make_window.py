"""Writes window.pt2: a convolution of f16 that a vendor's library takes by default. Run with the project's Python environment."""

import pathlib

import torch


class Window(torch.nn.Module):
    """A window of 3 x 3 over 64 channels, which lie side by side in images, filters and results."""

    def forward(self, image, filters, bias):
        image, filters = (x.permute(0, 3, 1, 2) for x in (image, filters))
        return torch.nn.functional.conv2d(image, filters, bias, padding=1).relu().permute(0, 2, 3, 1)


# Sample inputs of one element that is repeated keep the file small.
inputs = tuple(
    torch.zeros((1,) * len(s), dtype=torch.float16).expand(s) for s in [(2, 20, 20, 64), (64, 3, 3, 64), (64,)]
)
program = torch.export.export(Window(), inputs)
for node in program.graph.nodes:
    for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn"):
        node.meta.pop(key, None)
torch.export.save(program, pathlib.Path(__file__).with_name("window.pt2"))
