"""Small transformers of many families, built from configurations of the `transformers` package with random weights.

They exist to find out what imports, not to be measured: every function returns `(module, example_inputs)` and runs in
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from support import frozen, seeded
from torch import Tensor, nn

Model = tuple[nn.Module, tuple[Tensor, ...]]

# What almost every configuration shares.
TEXT = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
DECODER = TEXT | {"num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
VISION = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}


class Chosen(nn.Module):
    """A model called with fixed keywords, reduced to one of its results: transformers return dataclasses with caches."""

    def __init__(self, inner: nn.Module, result: str | int, names: tuple[str, ...], **fixed: Any) -> None:
        super().__init__()
        self.inner, self.result, self.names, self.fixed = inner, result, names, fixed

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        results = self.inner(**given, **self.fixed)
        return results[self.result]


def tokens(count: int = 12, batch: int = 2) -> Tensor:
    """Token numbers, `[batch, count]`."""
    return torch.randint(3, 99, (batch, count))


def mask(count: int = 12, batch: int = 2) -> Tensor:
    """An attention mask whose last rows end in padding, `[batch, count]`."""
    full = torch.ones(batch, count, dtype=torch.int64)
    full[-1, count - 3 :] = 0
    return full


def build(kind: str, config: str, values: dict[str, Any], names: str, inputs: Callable[[], Any], **more: Any) -> Model:
    """The model `kind` with a configuration, and inputs for the keywords in `names`."""
    import transformers

    result = more.pop("result", "last_hidden_state")
    with seeded(0):
        settings = getattr(transformers, config)(**values)
        if experts := more.pop("experts", None):
            settings._experts_implementation = experts
        if attention := more.pop("attention", None):
            settings._attn_implementation = attention
        module = Chosen(getattr(transformers, kind)(settings), result, tuple(names.split()), **more)
        given = inputs()
        return frozen(module), given if isinstance(given, tuple) else (given,)


def encoder(kind: str, config: str, **values: Any) -> Model:
    """A text encoder on tokens and a mask with padding."""
    attention = values.pop("attention", None)
    inputs = lambda: (tokens(), mask())  # noqa: E731
    return build(kind, config, TEXT | values, "input_ids attention_mask", inputs, attention=attention)


def decoder(kind: str, config: str, **values: Any) -> Model:
    """A causal language model's prefill without cache: logits of every position."""
    more = {key: values.pop(key, None) for key in ("attention", "experts")} | {"result": "logits", "use_cache": False}
    return build(kind, config, DECODER | values, "input_ids", tokens, **more)


def vision(kind: str, config: str, **values: Any) -> Model:
    """An image encoder."""
    size = (VISION | values)["image_size"]
    return build(kind, config, VISION | values, "pixel_values", lambda: torch.randn(1, 3, size, size))


def bert() -> Model:
    return encoder("BertModel", "BertConfig")


def distilbert() -> Model:
    values = {"vocab_size": 99, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 64}
    inputs = lambda: (tokens(), mask())  # noqa: E731
    return build("DistilBertModel", "DistilBertConfig", values, "input_ids attention_mask", inputs)


def roberta() -> Model:
    return encoder("RobertaModel", "RobertaConfig")


def electra() -> Model:
    return encoder("ElectraModel", "ElectraConfig", embedding_size=16)


def albert() -> Model:
    return encoder("AlbertModel", "AlbertConfig", embedding_size=16)


def deberta() -> Model:
    return encoder(
        "DebertaV2Model", "DebertaV2Config", relative_attention=True, pos_att_type=["p2c", "c2p"], attention="eager"
    )


def modernbert() -> Model:
    return encoder("ModernBertModel", "ModernBertConfig", pad_token_id=0, local_attention=8)


def gpt2() -> Model:
    values = {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    return build("GPT2LMHeadModel", "GPT2Config", values, "input_ids", tokens, result="logits", use_cache=False)


def gpt_neox() -> Model:
    return decoder("GPTNeoXForCausalLM", "GPTNeoXConfig")


def opt() -> Model:
    return decoder("OPTForCausalLM", "OPTConfig", ffn_dim=64, word_embed_proj_dim=32)


def llama() -> Model:
    return decoder("LlamaForCausalLM", "LlamaConfig")


def mistral() -> Model:
    return decoder("MistralForCausalLM", "MistralConfig", sliding_window=6)


def qwen2() -> Model:
    return decoder("Qwen2ForCausalLM", "Qwen2Config")


def qwen3() -> Model:
    return decoder("Qwen3ForCausalLM", "Qwen3Config")


def gemma() -> Model:
    return decoder("GemmaForCausalLM", "GemmaConfig")


def gemma2() -> Model:
    return decoder("Gemma2ForCausalLM", "Gemma2Config", sliding_window=6, attention="eager")


def gemma3() -> Model:
    return decoder("Gemma3ForCausalLM", "Gemma3TextConfig", sliding_window=6)


def phi() -> Model:
    return decoder("PhiForCausalLM", "PhiConfig")


def phi3() -> Model:
    return decoder("Phi3ForCausalLM", "Phi3Config")


def olmo2() -> Model:
    return decoder("Olmo2ForCausalLM", "Olmo2Config")


def falcon() -> Model:
    values = {key: value for key, value in DECODER.items() if key != "head_dim"} | {"alibi": True}
    return build("FalconForCausalLM", "FalconConfig", values, "input_ids", tokens, result="logits", use_cache=False)


def bloom() -> Model:
    return decoder("BloomForCausalLM", "BloomConfig", n_head=4, n_layer=2)


def mixtral() -> Model:
    return decoder("MixtralForCausalLM", "MixtralConfig", num_local_experts=3, experts="batched_mm")


def mamba() -> Model:
    values = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "time_step_rank": 4}
    return build("MambaForCausalLM", "MambaConfig", values, "input_ids", tokens, result="logits", use_cache=False)


def t5_encoder() -> Model:
    values = {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    inputs = lambda: (tokens(), mask())  # noqa: E731
    return build("T5EncoderModel", "T5Config", values, "input_ids attention_mask", inputs, use_cache=False)


def t5() -> Model:
    values = {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    inputs = lambda: (tokens(), tokens(5))  # noqa: E731
    names = "input_ids decoder_input_ids"
    return build("T5ForConditionalGeneration", "T5Config", values, names, inputs, result="logits", use_cache=False)


def bart() -> Model:
    values = {"vocab_size": 99, "d_model": 32, "max_position_embeddings": 64, "pad_token_id": 0}
    for side in ("encoder", "decoder"):
        values |= {f"{side}_layers": 2, f"{side}_attention_heads": 4, f"{side}_ffn_dim": 64}
    inputs = lambda: (tokens(), tokens(5))  # noqa: E731
    return build("BartModel", "BartConfig", values, "input_ids decoder_input_ids", inputs, use_cache=False)


def vit() -> Model:
    return vision("ViTModel", "ViTConfig")


def deit() -> Model:
    return vision("DeiTModel", "DeiTConfig")


def dinov2() -> Model:
    return vision("Dinov2Model", "Dinov2Config")


def beit() -> Model:
    return vision("BeitModel", "BeitConfig", use_relative_position_bias=True)


def swin() -> Model:
    values = {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4, "patch_size": 2}
    return build(
        "SwinModel", "SwinConfig", values | {"image_size": 32}, "pixel_values", lambda: torch.randn(1, 3, 32, 32)
    )


def segformer() -> Model:
    values = {"hidden_sizes": [16, 32], "depths": [1, 1], "num_encoder_blocks": 2, "num_attention_heads": [1, 2]}
    values |= {"sr_ratios": [4, 2], "patch_sizes": [7, 3], "strides": [4, 2], "mlp_ratios": [2, 2]}
    return vision("SegformerModel", "SegformerConfig", **values, decoder_hidden_size=16)


def convnext() -> Model:
    return vision("ConvNextModel", "ConvNextConfig", hidden_sizes=[16, 32], depths=[1, 2], num_stages=2)


def clip() -> Model:
    values = {
        "text_config": TEXT | {"eos_token_id": 2, "bos_token_id": 1, "pad_token_id": 0},
        "vision_config": VISION,
        "projection_dim": 16,
    }
    inputs = lambda: (tokens(), torch.randn(2, 3, 32, 32))  # noqa: E731
    return build("CLIPModel", "CLIPConfig", values, "input_ids pixel_values", inputs, result="logits_per_image")


def siglip() -> Model:
    return vision("SiglipVisionModel", "SiglipVisionConfig")


def yolos() -> Model:
    values = VISION | {"image_size": [32, 32], "num_detection_tokens": 5}
    return build("YolosModel", "YolosConfig", values, "pixel_values", lambda: torch.randn(1, 3, 32, 32))


def whisper_encoder() -> Model:
    import transformers

    with seeded(0):
        settings = transformers.WhisperConfig(
            vocab_size=99, pad_token_id=0, d_model=32, num_mel_bins=16, max_source_positions=20, max_target_positions=16,
            encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64,
            decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=64,
        )  # fmt: skip
        inner = transformers.WhisperModel(settings).encoder
        return frozen(Chosen(inner, "last_hidden_state", ("input_features",))), (torch.randn(1, 16, 40),)


def whisper() -> Model:
    values = {"vocab_size": 99, "d_model": 32, "num_mel_bins": 16, "max_source_positions": 20}
    values |= {"pad_token_id": 0, "max_target_positions": 16}
    for side in ("encoder", "decoder"):
        values |= {f"{side}_layers": 2, f"{side}_attention_heads": 4, f"{side}_ffn_dim": 64}
    inputs = lambda: (torch.randn(1, 16, 40), tokens(5, 1))  # noqa: E731
    names = "input_features decoder_input_ids"
    return build("WhisperModel", "WhisperConfig", values, names, inputs, use_cache=False)


def wav2vec2() -> Model:
    values = {key: value for key, value in TEXT.items() if key != "max_position_embeddings"}
    values |= {"conv_dim": [16, 16], "conv_kernel": [10, 3], "conv_stride": [5, 2], "num_feat_extract_layers": 2}
    values |= {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4}
    return build("Wav2Vec2Model", "Wav2Vec2Config", values, "input_values", lambda: torch.randn(1, 400))


def hubert() -> Model:
    values = {key: value for key, value in TEXT.items() if key != "max_position_embeddings"}
    values |= {"conv_dim": [16, 16], "conv_kernel": [10, 3], "conv_stride": [5, 2], "num_feat_extract_layers": 2}
    values |= {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4, "feat_extract_norm": "layer"}
    return build("HubertModel", "HubertConfig", values, "input_values", lambda: torch.randn(1, 400))
