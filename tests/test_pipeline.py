import pytest

from examples import prompt_set, respondent, study
from valuelex.domain.study import Study
from valuelex.errors import CallError, StudyError
from valuelex.io.send import check_keys
from valuelex.pipeline import models_of, planned_calls


def test_all_calls_are_planned_by_stage() -> None:
    asked = study([respondent("a"), respondent("b", temperature=0.5)], prompts=prompt_set(4), draws=2)
    calls = planned_calls(asked)
    # 2 respondents x 4 prompts x 2 draws, and 2 respondents x the stems x the draws of the test.
    assert len(calls["elicit"]) == 16
    assert len(calls["project"]) == 2 * len(asked.project.test.stems) * asked.project.draws


def twins() -> Study:
    return study([respondent("a"), respondent("b")])


def test_one_answer_cannot_count_for_two_respondents() -> None:
    with pytest.raises(StudyError) as caught:
        planned_calls(twins())
    assert str(caught.value).startswith("'b' (")
    assert "would send the same call; one answer cannot count twice" in str(caught.value)


def test_a_key_is_asked_for_only_where_calls_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = study([respondent("a")])
    monkeypatch.delenv("ACME_KEY", raising=False)
    with pytest.raises(CallError) as caught:
        check_keys(models_of(asked))
    assert str(caught.value) == (
        "'acme' needs an API key: set the environment variable ACME_KEY, or write a key file "
        "(docs/how-to/models.md)."
    )
    check_keys(models_of(asked), providers=[])
    monkeypatch.setenv("ACME_KEY", "sk-1")
    check_keys(models_of(asked))
