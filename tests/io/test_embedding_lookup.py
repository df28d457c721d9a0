from pathlib import Path

import pytest

from valuelex.errors import StudyError
from valuelex.io.study_file import read_study

STUDY = """
[study]
name = "s"
[endpoints.mine]
base_url = "http://127.0.0.1:9/v1"
extra_body = {{ dimensions = 64 }}
[[respondents]]
model = "mine/m"
[elicit]
[construct]
{line}
"""


def plans(tmp_path: Path, line: str) -> list[tuple[str, str]]:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(line=line))
    study = read_study(path)
    assert study.construct is not None
    return [(p.name, p.model.label if p.model else "shipped") for p in study.construct.embeddings]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", [("minilm", "shipped")]),
        ('embeddings = "minilm"', [("minilm", "shipped")]),
        ('embeddings = "none"', []),
        ('embeddings = "mine/e"', [("mine/e", "mine/e")]),
        (
            'embeddings = ["openai/text-embedding-3-small", "minilm", "mine/e"]',
            [
                ("openai/text-embedding-3-small", "openai/text-embedding-3-small"),
                ("minilm", "shipped"),
                ("mine/e", "mine/e"),
            ],
        ),
    ],
)
def test_embeddings_are_looked_up_in_their_order(
    tmp_path: Path, line: str, found: list[tuple[str, str]]
) -> None:
    assert plans(tmp_path, line) == found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '["none", "minilm"]',
            'embeddings: "none" leaves embeddings out, so it stands alone; drop it or the',
        ),
        ('["mine/e", "mine/e"]', "[construct] embeddings names 'mine/e' twice; once is enough."),
        ('"word2vec"', "'minilm', 'none' or provider/name of a model at an endpoint, not 'word2vec'."),
        ('"inspect/openai/e"', "'minilm', 'none' or provider/name of a model at an endpoint, not 'inspect/"),
        ('"recorded/e"', "'recorded/e' cannot be called"),
        ('"nowhere/e"', "must be provider/name with a known provider"),
        ('"embedded/no.gguf"', "give the path of a GGUF file"),
        ("[]", "embeddings"),
        ("3", "embeddings"),
    ],
)
def test_a_name_that_cannot_embed_is_refused_in_one_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        plans(tmp_path, f"embeddings = {line}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_price_of_an_embedding_model_can_be_given(tmp_path: Path) -> None:
    line = 'embeddings = "mine/e"\n[prices."mine/e"]\ninput = 0.02\noutput = 0'
    plans(tmp_path, line)
    study = read_study(tmp_path / "study.toml")
    assert study.prices["mine/e"].of(1_000_000, 5) == 2 * 10**10  # 0.02 dollars in pico-dollars
