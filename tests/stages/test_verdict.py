from dataclasses import replace

import numpy as np
import pytest

from examples import level_choice, structure, taxonomy
from valuelex.domain.evidence import Estimate, GroupEvidence, Level, NullTest, Outcome
from valuelex.stages.verdict import in_words, verdict

OFTEN = "; with fewer than 20 independent families that number is often wrong"
GROUPS, NO_GROUPS, TOO_LITTLE = Outcome.GROUPS, Outcome.NO_GROUPS, Outcome.TOO_LITTLE_DATA


def group(number, stability=0.9, low=0.5, by_lists=None):
    told = Estimate(low + 0.2, low, low + 0.4)
    return GroupEvidence(number, 5, stability, stability if by_lists is None else by_lists, told, told, 0.3)


def null(name, p):
    return NullTest(name, "Why?", 2.0, 0.0, 1.0, p, 19)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, f"The lists of 6 independent families support three groups of terms{OFTEN}."),
        (
            {"joint": level_choice(plausible=(3, 4, 5))},
            "The lists of 6 independent families support three groups of terms (4, 5 predict held-out lists as well to "
            f"within one standard error){OFTEN}.",
        ),
        (
            {
                "joint": level_choice(n_groups=12, n_candidates=12),
                "independent": "models",
                "n_independent": 20,
            },
            "The lists of 20 independent models support 12 groups of terms.",
        ),
        (
            {"joint": level_choice(outcome=NO_GROUPS, n_groups=1)},
            "The lists of 6 independent families show no groups of terms: one group predicts held-out lists best, so "
            "all terms stay in one group.",
        ),
        (
            {"joint": level_choice(outcome=TOO_LITTLE, n_groups=2)},
            "The lists of 6 independent families are too little data to tell how many groups of terms there are, so "
            "all terms stay in one group.",
        ),
        (
            {"n_given": 3},
            f"The lists of 6 independent families support three groups of terms{OFTEN}; the study asked for three, "
            "which is the same.",
        ),
        (
            {"n_given": 3, "joint": level_choice(n_groups=4)},
            f"The lists of 6 independent families support four groups of terms{OFTEN}; the study asked for three, and "
            "got them.",
        ),
        (
            {"n_given": 6},
            f"The lists of 6 independent families support three groups of terms{OFTEN}; the study asked for six, and "
            "got three.",
        ),
        (
            {
                "n_given": 3,
                "joint": level_choice(outcome=TOO_LITTLE, n_groups=1),
                "independent": "respondents",
                "n_independent": 1,
            },
            "The lists of 1 respondent are too little data to tell whether there are groups of terms (to say that "
            "there are none takes 10 respondents); the study asked for three, and got them.",
        ),
    ],
)
def test_the_number_of_groups(changes, sentence):
    assert verdict(structure(**changes)) == (sentence,)


@pytest.mark.parametrize(
    ("between", "within", "sentence"),
    [
        (
            GROUPS,
            GROUPS,
            "Both levels carry it: sources differ along these groups, and their terms come together in responses.",
        ),
        (
            GROUPS,
            NO_GROUPS,
            "It lies between sources: they differ along these groups, while within a source's responses no "
            "groups show.",
        ),
        (
            TOO_LITTLE,
            GROUPS,
            "It lies within responses: terms of a group come together beyond their source's own frequencies, while "
            "between sources there is too little data to tell groups.",
        ),
        (
            NO_GROUPS,
            TOO_LITTLE,
            "Neither level carries groups by itself: between sources no groups show, and within responses "
            "there is too little data to tell groups.",
        ),
    ],
)
def test_where_the_structure_lies(between, within, sentence):
    levels = (level_choice(Level.BETWEEN, between, trace=1.0), level_choice(Level.WITHIN, within, trace=1.0))
    assert verdict(structure(levels=levels))[1:] == (sentence,)
    # One level alone cannot be told from the other.
    assert len(verdict(structure(levels=levels[1:]))) == 1
    assert len(verdict(structure(levels=(level_choice(Level.POOLED),)))) == 1


def test_the_levels_say_what_the_traces_beside_them_say():
    # A level that prefers one group although its trace is over 3 has too little data, but no lack of trace.
    unsure = level_choice(Level.BETWEEN, TOO_LITTLE, 1, trace=3.5)
    none = level_choice(Level.WITHIN, NO_GROUPS, 1, trace=2.9)
    found = level_choice(Level.BETWEEN, GROUPS, 4, n_candidates=4, trace=4.0)
    one = level_choice(outcome=NO_GROUPS, n_groups=1)
    assert verdict(structure(levels=(unsure, none), joint=one))[1] == (
        "Neither level carries groups by itself: between sources there is a clear trace of groups, but too little data "
        "to tell how many, and within responses no groups show."
    )
    little = level_choice(Level.WITHIN, TOO_LITTLE, 1, trace=1.0)
    assert "between sources there is a clear trace" in verdict(structure(levels=(unsure, little)))[1]
    # Where both levels together have no groups, none of them lies anywhere.
    assert verdict(structure(levels=(found, none), joint=one))[1] == (
        "By itself, each level says: between sources, four groups show; within responses, no groups show."
    )


def test_the_stability_of_groups():
    groups = (group(0), group(1, stability=0.7), group(2, stability=0.59))
    assert verdict(structure(groups=groups))[1] == (
        "One of three groups is stable when sources are drawn again; s3 is not to be trusted (overlap under 0.6)."
    )
    both = (
        group(0, stability=0.1),
        group(1, stability=0.75),
        group(2, stability=0.0),
        group(3, stability=0.75),
    )
    assert verdict(structure(groups=both))[1] == (
        "Two of four groups are stable when sources are drawn again; s1, s3 are not to be trusted (overlap under 0.6)."
    )
    assert verdict(structure(groups=(group(0), group(1))))[1] == (
        "All two groups are stable when sources are drawn again."
    )


def test_stability_by_the_lists_alone_where_embeddings_count():
    groups = (group(0), group(1, by_lists=0.4), group(2, by_lists=0.5))
    with_embeddings = replace(taxonomy(), weights={"between": 1.0, "embeddings": 2.0})
    assert verdict(structure(with_embeddings, groups=groups))[1] == (
        "All three groups are stable when sources are drawn again beside embeddings that stay as they are; by the "
        "lists alone, one of three is."
    )
    plain = "All three groups are stable when sources are drawn again."
    assert verdict(structure(with_embeddings, groups=(group(0), group(1), group(2))))[1] == plain
    without = replace(taxonomy(), weights={"between": 1.0, "embeddings": 0.0})
    assert verdict(structure(without, groups=groups))[1] == plain


def test_ratings_are_told_as_ratings():
    said = verdict(structure(groups=(group(0),), nulls=(null("embeddings only", 0.2),)), what="ratings")
    assert "The ratings of 6 independent families" in said[0]
    assert not any("lists" in sentence for sentence in said)


def test_what_is_beyond_meaning():
    # The interval of its share must lie above a half, and that of its support above 0.
    held = "in the lists of sources that had no part in making them"
    assert verdict(structure(groups=(group(0, low=0.6), group(1, low=0.51))))[2:] == (
        f"All two groups hold together {held}; most of that is beyond what their terms mean.",
    )
    assert verdict(structure(groups=(group(0, low=0.6), group(1, low=0.4), group(2, low=0.5))))[2:] == (
        f"All three groups hold together {held}; most of that is beyond what their terms mean, but of s2, s3 half or "
        "more may be what embeddings tell.",
    )
    assert verdict(structure(groups=(group(0, low=0.6), group(1, low=0.6), group(2, low=0.0))))[2:] == (
        f"Two of three groups hold together {held}; most of that is beyond what their terms mean.",
    )
    assert verdict(structure(groups=(group(0, low=0.1), group(1, low=0.0))))[2:] == (
        f"One of two groups holds together {held}; half of that or more may be what their terms mean anyway, as "
        "embeddings tell it.",
    )
    assert verdict(structure(groups=(group(0, low=0.0), group(1, low=-0.1))))[2:] == (
        f"None of two groups holds together {held}.",
    )
    untold = replace(group(0), beyond_meaning=Estimate(np.nan, np.nan, np.nan))
    assert len(verdict(structure(groups=(untold,)))) == 2


def test_the_nulls():
    nulls = (
        null("embeddings only", 0.2),
        null("reshuffled responses", 0.05),
        null("shuffled profiles", 0.1),
        null("agreement with meaning", 0.5),
    )
    assert verdict(structure(nulls=nulls))[1:] == (
        "The structure between sources cannot be told from chance: it is beyond 18 of 19 replicates of shuffled "
        "profiles.",
        "The structure within responses is beyond all 19 replicates of reshuffled responses.",
        "Groups made with the lists do not predict held-out sources better than those of embeddings alone "
        "(p = .200).",
    )
    assert verdict(structure(nulls=(null("embeddings only", 0.0004),)))[1:] == (
        "Groups made with the lists predict held-out sources better than those of embeddings alone (p < .001).",
    )


def test_a_null_with_many_replicates_need_not_be_beyond_all():
    of_many = replace(null("shuffled profiles", 0.05), n_replicates=39)
    assert verdict(structure(nulls=(of_many,)))[1] == (
        "The structure between sources is beyond 38 of 39 replicates of shuffled profiles."
    )


def test_a_p_of_one_is_written_as_it_is():
    assert verdict(structure(nulls=(null("embeddings only", 1.0),)))[1].endswith("(p = 1.000).")


def test_the_control():
    honest = level_choice(outcome=NO_GROUPS, n_groups=1)
    unsure = level_choice(outcome=TOO_LITTLE, n_groups=1)
    found = level_choice(n_groups=2)

    def said(*controls, n=12):
        return verdict(structure(controls=controls, n_independent=n))[1]

    assert said(honest) == "In one data set from which all structure was taken, the same rules find none."
    assert (
        said(*[honest] * 5)
        == "In five data sets from which all structure was taken, the same rules find none."
    )
    assert said(honest, found, found) == (
        "Caution: in two of three data sets from which all structure was taken, the same rules find groups."
    )
    assert said(honest, unsure) == (
        "Caution: in one of two data sets from which all structure was taken, the same rules find too little data to "
        "tell, and not that there are none."
    )
    assert said(found, unsure, unsure) == (
        "Caution: in one of three data sets from which all structure was taken, the same rules find groups; in two "
        "they find too little data to tell, and not that there are none."
    )
    # Of fewer than ten sources the rules never say that there are no groups, so that it is no cause for caution.
    assert said(unsure, unsure, n=9) == (
        "In two data sets from which all structure was taken, the same rules find none."
    )
    assert said(unsure, level_choice(outcome=TOO_LITTLE, n_groups=2), n=9) == (
        "Caution: in one of two data sets from which all structure was taken, the same rules find too little data to "
        "tell, and not that there are none."
    )


def test_numbers_up_to_ten_are_words():
    assert [in_words(n) for n in (0, 1, 10, 11)] == ["no", "one", "ten", "11"]
