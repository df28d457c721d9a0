"""What is said of a study before anything is sent."""

from pathlib import Path

import pytest

from valuelex.io.study_file import read_study
from valuelex.pipeline.planning import asks_much, needed_models, needed_terms


def study_of(folder: Path, n_models: int, n_families: int, more: str = "[elicit]\n"):
    people = "".join(
        f'[[respondents]]\nmodel = "recorded/m{i}"\nlabel = "m{i}"\nfamily = "f{i % n_families}"\n'
        for i in range(n_models)
    )
    path = folder / "study.toml"
    path.write_text(f'[study]\nname = "s"\n{people}{more}')
    return read_study(path)


@pytest.mark.parametrize(
    ("n_models", "n_families", "said"),
    [
        # Families count from five on, then models from five on; of fewer, respondents stand in.
        (24, 20, ""),
        (24, 12, "12 independent families; with fewer than 20 the number of groups is often wrong."),
        (24, 5, "5 independent families; with fewer than 10 the number of groups often cannot be told."),
        (24, 4, ""),
        (8, 4, "8 independent models; with fewer than 10 the number of groups often cannot be told."),
        (3, 3, "3 models, fewer than 5: its respondents are taken for independent, and what is found says "),
    ],
)
def test_few_independent_sources_are_told_by_the_rule_of_the_analysis(tmp_path, n_models, n_families, said):
    told = needed_models(study_of(tmp_path, n_models, n_families))
    if not said:
        assert told == ""
        return
    assert told.startswith(f"A value system is built from {said}")
    assert told.endswith(" How many are enough: valuelex simulate --models 10,20")


def test_nothing_is_said_of_models_where_nothing_is_built(tmp_path):
    assert needed_models(study_of(tmp_path, 1, 1, "")) == ""


def test_fewer_respondents_than_a_term_needs_are_told_unless_words_are_kept(tmp_path):
    words = "[elicit]\n[normalise]\nmin_respondents = 3\n"
    alone = study_of(tmp_path, 2, 2, words)
    assert needed_terms(alone) == (
        "[normalise] min_respondents = 3, but the study has 2 respondents: no word can become a term; lower it, or "
        "ask more."
    )
    assert asks_much(alone)
    kept = study_of(tmp_path, 2, 2, words + 'keep = ["honesty"]\n')
    assert (needed_terms(kept), asks_much(kept)) == ("", False)
    enough = study_of(tmp_path, 3, 3, words)
    assert (needed_terms(enough), asks_much(enough)) == ("", False)
