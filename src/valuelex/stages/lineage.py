"""Tell models and their makers by their names: whose judge shares a lineage, and what in a text gives its author away.

Owns a table of names; it is short, of public facts, and never complete. Knows nothing of attributes that a study gives.
"""

from __future__ import annotations

import re

MAKERS: dict[str, tuple[str, ...]] = {
    "EleutherAI": ("gpt-j", "gpt-neo", "gpt-neox", "pythia"),
    "OpenAI": ("chatgpt", "gpt", "davinci", "o1", "o3", "o4"),
    "Anthropic": ("claude",),
    "Google": ("gemini", "gemma", "palm", "bard"),
    "Meta": ("llama", "alpaca", "vicuna"),
    "Mistral AI": ("mistral", "mixtral", "ministral", "magistral", "codestral", "zephyr"),
    "Alibaba": ("qwen", "qwq"),
    "DeepSeek": ("deepseek",),
    "xAI": ("grok",),
    "Cohere": ("command", "aya"),
    "Microsoft": ("phi", "copilot"),
    "Hugging Face": ("smollm", "huggingface"),
    "01.AI": ("yi",),
    "Zhipu": ("chatglm", "glm"),
    "Moonshot": ("kimi", "moonshot"),
    "Baichuan": ("baichuan",),
    "TII": ("falcon",),
    "Allen AI": ("olmo", "tulu"),
    "Databricks": ("dbrx",),
    "NVIDIA": ("nemotron",),
    "Baidu": ("ernie",),
}
"""Maker by the beginnings of the names of its models; tuned models count with the weights that they start from."""

MASK = "(name)"
_ALWAYS = (
    r"chat\s?gpt|gpt[-\s]?\d\w*(?:\.\d+)?(?:[-\s](?:turbo|mini|nano))?"
    r"|open\s?ai|anthropic|deep\s?mind|mistral(?:\s+ai)?|mixtral"
    r"|qwen[\d.]*|qwq|alibaba(?:\s+cloud)?|deep\s?seek|grok|x\.?ai|smol\s?lm\w*|hugging\s?face|chat\s?glm|zhipu|kimi|moonshot\s+ai"
    r"|baichuan\w*|nemotron|vicuna|cohere|ernie\s+bot|meta\s+ai|google\s+ai|microsoft\s+copilot|01\.ai"
)
_NAMED = (
    r"(?:(?<=\bI am )|(?<=\bI'm )|(?<=\bI’m )|(?<=\bI, )|(?<=\bAs )|(?<=\bas )|(?<=\bcalled )|(?<=\bnamed ))"
    r"(?:Claude|Gemini|Gemma|Bard|Llama|Phi|Falcon|Copilot|Yi)\b[\w.\s-]{0,6}?(?=\W|$)"
)
_MADE = (
    r"(?:(?<=\bby )|(?<=\bfrom )|(?<=\bat ))"
    r"(?:Google|Meta|Microsoft|Baidu|Tencent|ByteDance|Amazon|Apple|NVIDIA|IBM)\b"
)
_GIVEAWAY = re.compile(rf"\b(?:{_ALWAYS})\b", re.IGNORECASE)
_CASED = re.compile(rf"{_NAMED}|{_MADE}")


def maker_of(model: str) -> str | None:
    """Return who made a model, by its name with or without provider and publisher; None where nobody knows."""
    bare = bare_name(model)
    for maker, beginnings in MAKERS.items():
        if any(re.match(rf"(?:meta-)?{beginning}(?![a-z])", bare) for beginning in beginnings):
            return maker
    return None


def bare_name(model: str) -> str:
    """Return a name without provider, publisher, tag and case: ``together/meta-llama/Llama-3:8b`` is llama-3."""
    return model.rstrip("/").rsplit("/", 1)[-1].partition(":")[0].lower()


def mask_names(text: str) -> str:
    """Replace names of models and of their makers by which a text would give its author away.

    Words that are also ordinary (Claude, Gemini, Google) are masked only where the text says that it is one of
    them or was made by one; a text can still give its author away in other ways.
    """
    return _CASED.sub(MASK, _GIVEAWAY.sub(MASK, text))
