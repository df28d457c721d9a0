from pathlib import Path

import pytest

from valuelex.domain.study import Study
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.study_file import read_study

STUDY = """
[study]
name = "rated"
[personas]
nurse = "a nurse"
[[respondents]]
model = "vllm/one"
personas = {personas}
[elicit]
{elicit}
"""


def read(folder: Path, elicit: str, personas: str = '[""]', more: str = "") -> Study:
    (folder / "study.toml").write_text(STUDY.format(elicit=elicit, personas=personas) + more)
    return read_study(folder / "study.toml")


def test_the_mode_is_lists_unless_the_study_says_otherwise(tmp_path: Path) -> None:
    plain = read(tmp_path, "draws = 2")
    assert plain.elicit is not None
    assert (plain.elicit.prompts.name, plain.elicit.max_tokens, plain.elicit.human_control) == (
        "valuelex-15",
        64,
        False,
    )
    assert plain.terms is None
    assert plain.normalise is not None


def test_rated_terms_take_the_place_of_lists(tmp_path: Path) -> None:
    rated = read(tmp_path, 'mode = "rate"\nterms = "valuelex-2024"\nprobabilities = false\nmax_tokens = 600')
    assert rated.elicit is None
    assert rated.normalise is None
    assert rated.construct is not None
    assert rated.terms is not None
    assert (rated.terms.prompts.name, rated.terms.source) == ("terms-5", "valuelex-2024")
    assert (rated.terms.draws, rated.terms.max_tokens, rated.terms.probabilities) == (1, 600, False)
    assert len(rated.terms.prompts.prompts) == 5


@pytest.mark.parametrize(
    ("elicit", "said"),
    [
        ('mode = "rate"', '[elicit] mode = "rate" needs terms'),
        (
            'mode = "rate"\nterms = "valuelex-2024"\nhuman_control = true',
            '[elicit] human_control belongs to mode = "list" and does nothing in mode = "rate"',
        ),
        (
            'terms = "valuelex-2024"',
            '[elicit] terms belongs to mode = "rate" or "observe" and does nothing in mode = "list"',
        ),
        ('mode = "rank"', "mode"),
        (
            'mode = "rate"\nterms = "valuelex-2024"\n[normalise]\nmin_respondents = 3',
            "[normalise] does nothing",
        ),
        (
            'mode = "rate"\nterms = "valuelex-2024"\n[namer]\nmodel = "smollm2-135m-instruct"',
            '[namer] does nothing in [elicit] mode = "rate", where terms are given; leave it out.',
        ),
        (
            'mode = "rate"\nterms = "valuelex-2024"\n[[populations]]\nname = "chat"\nwhere = { api = "chat" }',
            '[[populations]] does nothing in [elicit] mode = "rate"',
        ),
        (
            'mode = "rate"\nterms = "valuelex-2024"\nprompts = "valuelex-15"',
            "No shipped ratings 'valuelex-15'",
        ),
    ],
)
def test_keys_that_do_nothing_are_refused(tmp_path: Path, elicit: str, said: str) -> None:
    with pytest.raises(StudyError) as caught:
        read(tmp_path, elicit)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_human_control_needs_somebody_without_a_persona(tmp_path: Path) -> None:
    one = read(tmp_path, "human_control = true", personas='["", "nurse"]')
    assert one.elicit is not None
    assert one.elicit.human_control
    with pytest.raises(StudyError, match=r"human_control asks those that answer as themselves once more"):
        read(tmp_path, "human_control = true", personas='["nurse"]')


def test_prompts_of_a_user_are_checked(tmp_path: Path) -> None:
    prompt = (
        'name = "own"\nsource = "me"\n[[prompts]]\nid = "a"\nchat = "{chat}"\nprefill = "x"\nheading = "y"\n'
    )
    for chat, turn, place in (
        ("How {word}?", "{subject} {term}", "chat"),
        ("How {term} {term}?", "{subject} {term}", "chat"),
        ("How {term}?", "{term}", "turn"),
    ):
        (tmp_path / "own.toml").write_text(prompt.replace("{chat}", chat) + f'turn = "{turn}"\n')
        with pytest.raises(StudyError, match=rf"{place}.*this needs .*once each and no other braces"):
            assets.load_term_prompts("own.toml", tmp_path)


def test_the_shipped_prompts_give_the_same_scale_and_show_every_number_once() -> None:
    shipped = assets.load_term_prompts("terms-5", Path())
    scale = "0 = not at all important, 3 = somewhat important, 6 = as important as anything can be."
    assert all(
        p.chat.endswith(f"Answer with one whole number from 0 to 6 only: {scale}") for p in shipped.prompts
    )
    assert sorted(e.rating for e in shipped.examples) == list(range(7))
    texts = [getattr(p, name) for p in shipped.prompts for name in ("chat", "prefill", "heading", "turn")]
    assert len(set(texts)) == len(texts)
