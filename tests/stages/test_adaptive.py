import dataclasses

import numpy as np
import pytest

from examples import projective_test, rating_table, respondent, study, system
from valuelex.domain.study import Adaptive
from valuelex.stages.adaptive import count_saving, still_open


def design(width=1.0, n_stems=12):
    people = [respondent("steady"), respondent("wavering", temperature=0.5)]
    plain = study(people, test=projective_test(n_stems))
    project = dataclasses.replace(plain.project, adaptive=Adaptive(width, step=2, least=6))
    return dataclasses.replace(plain, project=project)


def scores(n_stems):
    """Steady lies between 2.9 and 3.1, wavering between 0 and 6, both evenly."""

    evenly = np.linspace(0, 1, n_stems)
    return np.column_stack([2.9 + 0.2 * evenly, 6.0 * evenly])


def test_the_first_round_has_the_least_number_of_stems():
    assert design().project.first_stems == 6
    assert design(n_stems=4).project.first_stems == 4
    assert study(test=projective_test(9)).project.first_stems == 9


def test_who_is_measured_sharply_enough_is_asked_no_more():
    found = still_open(
        design(), [system()], [rating_table(scores(6), ["steady", "wavering"])], {"steady": 6, "wavering": 6}
    )
    assert found == {"wavering"}


def test_nobody_is_asked_beyond_the_last_stem():
    ratings = [rating_table(scores(12), ["steady", "wavering"])]
    assert still_open(design(), [system()], ratings, {"steady": 6, "wavering": 12}) == frozenset()


def test_an_interval_that_cannot_be_told_is_too_wide():
    ratings = [rating_table(scores(3), ["steady", "wavering"])]
    assert still_open(design(), [system()], ratings, {"steady": 6, "wavering": 6}) == {"steady", "wavering"}


def test_a_study_that_asks_for_no_width_leaves_nobody_open():
    plain = study([respondent("steady")], test=projective_test(12))
    ratings = [rating_table(scores(6)[:, :1], ["steady"])]
    assert still_open(plain, [system()], ratings, {"steady": 6}) == frozenset()


def test_the_saving_by_hand():
    # 6 + 12 of 24 stems asked: a quarter saved.
    saving = count_saving(design(), {"steady": 6, "wavering": 12})
    assert saving.share == pytest.approx(0.25)
