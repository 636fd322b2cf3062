"""Writes products.pt2: two products of f16 that a vendor's library takes by default. Run with the project's Python environment."""

import pathlib

import torch


class Products(torch.nn.Module):
    """Two products of sizes that differ."""

    def forward(self, a, b, c):
        return a @ b, a @ c


# Sample inputs of one element that is repeated keep the file small.
inputs = tuple(torch.zeros(1, 1, dtype=torch.float16).expand(shape) for shape in [(256, 128), (128, 128), (128, 256)])
program = torch.export.export(Products(), inputs)
for node in program.graph.nodes:
    for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn"):
        node.meta.pop(key, None)
torch.export.save(program, pathlib.Path(__file__).with_name("products.pt2"))
