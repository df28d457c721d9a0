import pytest

from valuelex.stages.lineage import bare_name, maker_of, mask_names


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("openai/gpt-4o-mini", "OpenAI"),
        ("openrouter/openai/gpt-4o", "OpenAI"),
        ("o3-mini", "OpenAI"),
        ("ollama/llama3.2", "Meta"),
        ("together/meta-llama/Llama-3.2-3B", "Meta"),
        ("anthropic/claude-sonnet-4", "Anthropic"),
        ("embedded/smollm2-135m-instruct", "Hugging Face"),
        ("mine/my-model", None),
        ("acme/phoenix-1", None),
    ],
)
def test_a_maker_is_known_by_the_beginning_of_a_models_name(model, maker):
    assert maker_of(model) == maker


def test_a_bare_name_has_no_provider_publisher_or_tag():
    assert bare_name("together/meta-llama/Llama-3:8b") == "llama-3"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("am Qwen, made by Alibaba Cloud, and I help.", "am (name), made by (name), and I help."),
        ("as ChatGPT, a model trained by OpenAI, help.", "as (name), a model trained by (name), help."),
        ("said that I'm Claude from Anthropic.", "said that I'm (name) from (name)."),
        ("as GPT-4 would, I checked.", "as (name) would, I checked."),
        ("was trained by Google to help.", "was trained by (name) to help."),
    ],
)
def test_what_gives_the_author_away_is_masked(text, masked):
    assert mask_names(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "asked Claude whether he would come along.",
        "fed the llama and went home.",
        "looked it up on Google.",
        "was born under Gemini.",
        "met a falcon on the way.",
        "gave the command at once.",
    ],
)
def test_ordinary_words_stay(text):
    assert mask_names(text) == text
