from dataclasses import replace

import numpy as np
import pytest

from examples import MODEL, respondent, study
from valuelex.domain.call import Missing
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.study import Respondent, Study
from valuelex.domain.term_ratings import RatedMatrix, TermPlan, TermPromptSet, TermRating
from valuelex.stages.rate_terms import rated_matrix
from valuelex.stages.rated_quality import conclude_terms, prompt_consistency

TERMS = tuple(f"term {letter}" for letter in "abcdefgh")


def answers(values: np.ndarray, on_scale: dict[str, float] | None = None) -> list[TermRating]:
    """Ratings from (n_respondents, n_terms, n_prompts); NaN is refused."""
    told = on_scale or {}
    return [
        TermRating(
            f"r{i}:{j}:{p}",
            f"r{i}",
            TERMS[j],
            f"p{p}",
            0,
            None if np.isnan(values[i, j, p]) else float(values[i, j, p]),
            None,
            told.get(f"r{i}"),
            Missing.REFUSED if np.isnan(values[i, j, p]) else None,
            "",
            "",
        )
        for i, j, p in np.ndindex(values.shape)
    ]


def matrix_of(found: list[TermRating], n: int) -> RatedMatrix:
    return rated_matrix(found, [f"r{i}" for i in range(n)], TERMS)


def alpha(values: np.ndarray) -> float | None:
    found = answers(values)
    ids = {f"r{i}": f"r{i}" for i in range(len(values))}
    return prompt_consistency(found, matrix_of(found, len(values)), ids, np.random.default_rng(1)).value


def test_prompts_do_not_agree_by_words_that_all_value_or_raters_who_rate_high() -> None:
    rng = np.random.default_rng(2)
    noise = 0.2 * rng.normal(size=(12, 8, 3))
    # Great differences between terms and between respondents, and nothing else.
    main = 3 + rng.uniform(-1, 1, (12, 1, 1)) + rng.uniform(-1, 1, (1, 8, 1))
    value = alpha(np.clip(main + noise, 0, 6))
    assert value is not None
    assert abs(value) < 0.4


def test_prompts_agree_where_respondents_have_profiles_of_their_own() -> None:
    rng = np.random.default_rng(2)
    profile, noise = rng.normal(size=(12, 8, 1)), rng.normal(size=(12, 8, 3))
    # Doubly centred profiles of variance 1 in each of 3 prompts with noise of variance .25: alpha is 3 / (3 + .25).
    value = alpha(np.clip(3 + 0.5 * (profile + 0.5 * noise), 0, 6))
    assert value == pytest.approx(3 / 3.25, abs=0.05)


def test_one_prompt_cannot_agree_with_itself_and_equal_ratings_do_not_vary() -> None:
    found = answers(np.full((3, 8, 1), 4.0))
    ids = {f"r{i}": f"r{i}" for i in range(3)}
    one = prompt_consistency(found, matrix_of(found, 3), ids, np.random.default_rng(1))
    assert (one.value, one.reason) == (None, "one prompt cannot agree with itself")
    assert alpha(np.full((3, 8, 2), 4.0)) is None


def concluded(
    who: list[Respondent], values: np.ndarray, on_scale: dict[str, float] | None = None
) -> RatedTerms:
    plan = TermPlan(TERMS, "made up", TermPromptSet("few", "made up", (), ()), 1, 8, probabilities=True)
    asked: Study = replace(study(who, elicits=False), terms=plan)
    found = answers(values, on_scale)
    return conclude_terms(asked, found, matrix_of(found, len(who)), np.random.default_rng(1))


def people(n_models: int, n_each: int) -> list[Respondent]:
    return [
        respondent(f"r{m * n_each + k}", model=replace(MODEL, name=f"m{m}"), temperature=1 + k / 10)
        for m in range(n_models)
        for k in range(n_each)
    ]


def test_a_unit_is_a_model_where_there_are_five() -> None:
    values = np.random.default_rng(3).uniform(0, 6, (10, 8, 2))
    five = concluded(people(5, 2), values)
    assert five.unit == "models"
    assert five.profiles is not None
    assert five.profiles.raw.shape == (5, 8)
    np.testing.assert_allclose(five.profiles.raw[0], values[:2].mean(axis=(0, 2)))
    assert five.warnings == ()
    # All are of one family, so that models are held out.
    assert (five.units.independent, five.units.n_independent) == ("models", 5)
    two = concluded(people(2, 5), values)
    assert two.unit == "respondents"
    assert two.units.independent_of == tuple(f"r{i}" for i in range(10))
    assert two.warnings == (
        "The 10 respondents who rated terms come from 2 models: what goes together between them goes together between "
        "settings and personas, and says nothing of other models.",
    )


def test_settings_that_probabilities_do_not_depend_on_are_the_same_case() -> None:
    values = np.random.default_rng(3).uniform(0, 6, (10, 8, 2))
    (said,) = concluded(people(5, 2), values, {f"r{i}": 0.9 for i in range(10)}).warnings
    assert said.startswith("10 respondents differ from another in temperature or top_p alone.")
    mixed = concluded(people(10, 1), values, {"r0": 0.9})
    assert mixed.by_probabilities == ("r0",)
    (said,) = mixed.warnings
    assert said.startswith("1 respondent is rated by token probabilities and 9 by the number they wrote")


def test_what_could_not_be_read_is_said() -> None:
    values = np.full((3, 8, 2), np.nan)
    values[0] = 4
    found = concluded(people(3, 1), values)
    assert found.profiles is None
    assert found.reason.startswith("1 of 3 units and 8 of 8 terms have a rating in half of their cells")
    assert found.warnings[-1] == "Less than half of the ratings could be read (16 of 48)."
