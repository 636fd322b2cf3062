"""The model suite: one row a model. `python suite.py` prints the rows as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Entry:
    """One model: its name, `FILE.py:FUNCTION` below this folder, element type, and what it is for.

    Groups: `real` has trained weights, `random` the architecture with random weights; both are measured.
    `feature` models are for tests alone.
    """

    name: str
    function: str
    dtype: str
    group: str
    unrolls: bool = False  # core ATen unrolls recurrence into thousands of nodes


ENTRIES: list[Entry] = [
    Entry("mlp-tiny", "mlp.py:tiny", "f32", "random"),
    Entry("mlp-b1", "mlp.py:batch_1", "f32", "random"),
    Entry("minilm", "bert.py:minilm", "f32", "real"),
    Entry("crepe-tiny", "crepe.py:tiny", "f32", "real"),
    Entry("resnet18", "convolutional.py:resnet18", "f32", "random"),
    Entry("mobilenet-v2", "convolutional.py:mobilenet_v2", "f32", "random"),
    Entry("mlp-b64", "mlp.py:batch_64", "f32", "random"),
    Entry("lstm", "recurrent.py:lstm", "f32", "random", unrolls=True),
    Entry("voice-encoder", "recurrent.py:voice_encoder", "f32", "real", unrolls=True),
    Entry("crepe-full", "crepe.py:full", "f32", "real"),
    Entry("bert-base", "bert.py:base", "f32", "random"),
    Entry("llama-prefill", "llama.py:prefill", "f32", "random"),
    Entry("llama-decode", "llama.py:decode", "f32", "random"),
    Entry("mlp-b1-bf16", "mlp.py:batch_1_bf16", "bf16", "random"),
    Entry("mlp-b64-bf16", "mlp.py:batch_64_bf16", "bf16", "random"),
    Entry("resnet18-bf16", "convolutional.py:resnet18_bf16", "bf16", "random"),
    Entry("bert-base-bf16", "bert.py:base_bf16", "bf16", "random"),
    Entry("llama-prefill-bf16", "llama.py:prefill_bf16", "bf16", "random"),
    Entry("llama-decode-bf16", "llama.py:decode_bf16", "bf16", "random"),
    Entry("mlp-b64-int8", "quantised.py:batch_64", "int8", "feature"),
    Entry("mlp-tiny-dynamic", "mlp.py:tiny_dynamic", "f32", "feature"),
    Entry("llama-small-prefill", "llama.py:small_prefill", "f32", "feature"),
    Entry("llama-small-decode", "llama.py:small_decode", "f32", "feature"),
    Entry("chain", "features.py:chain", "f32", "feature"),
    Entry("nested", "features.py:nested", "f32", "feature"),
    Entry("tied", "features.py:tied", "f32", "feature"),
    Entry("counter", "features.py:counter", "f32", "feature"),
    Entry("recurrent", "features.py:recurrent", "f32", "feature"),
    Entry("windows", "features.py:windows", "f32", "feature"),
    Entry("indexing", "features.py:indexing", "f32", "feature"),
    Entry("norms", "features.py:norms", "f32", "feature"),
    Entry("dynamic", "features.py:dynamic", "f32", "feature"),
]


def chosen(patterns: list[str] | None, groups: tuple[str, ...] = ("real", "random")) -> list[Entry]:
    """The entries of `groups`, or those whose name is among `patterns` or begins with one that ends in `*`."""
    if not patterns:
        return [entry for entry in ENTRIES if entry.group in groups]

    def matches(name: str) -> bool:
        return any(name == p or (p.endswith("*") and name.startswith(p[:-1])) for p in patterns)

    found = [entry for entry in ENTRIES if matches(entry.name)]
    if not found:
        raise SystemExit(f"no model matches {', '.join(patterns)}; there are: {', '.join(e.name for e in ENTRIES)}")
    return found


if __name__ == "__main__":
    json.dump([asdict(entry) for entry in ENTRIES], sys.stdout, indent=2)
    print()
