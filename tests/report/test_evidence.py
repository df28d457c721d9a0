"""Every orientation follows from the completions that the panel shows for it."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from report.example_results import example_results
from valuelex.errors import DataError
from valuelex.report.evidence import build_evidence, mean_of_stems, read_measures


def test_the_mean_is_over_stems_of_the_mean_over_draws():
    # Stem a: (2 + 4) / 2 = 3; stem b: 6, its other draw missing; stem c: nothing. (3 + 6) / 2 = 4.5.
    pairs = [("a", 2.0), ("a", 4.0), ("b", 6.0), ("b", None), ("c", None)]
    assert mean_of_stems(pairs) == 4.5


def test_without_a_rating_there_is_no_mean():
    assert mean_of_stems([("a", None)]) is None


def test_every_orientation_is_the_mean_of_the_completions_in_its_panel():
    results = example_results()
    data = build_evidence(results, read_measures(results)).data
    seen = 0
    for measure, system, array in zip(data["measures"], results.systems, results.ratings, strict=True):
        names = {("subdimension", s.id): s.name for s in system.subdimensions}
        names |= {("dimension", d.id): d.name for d in system.dimensions}
        for o in results.orientations:
            if (o.system, o.judge) != (array.system, array.judge):
                continue
            index = [name for name, _ in measure["targets"]].index(names[o.level, o.target])
            respondent = data["respondents"].index(o.respondent_id)
            by_stem: dict[int, list[float]] = {}
            n_missing = 0
            for completion, ratings in zip(data["completions"], measure["ratings"], strict=True):
                if completion[0] == respondent and ratings is not None:
                    rating = fmean(ratings[c] for c in measure["targets"][index][1])
                    by_stem.setdefault(completion[1], []).append(rating)
                n_missing += completion[0] == respondent and completion[4] is not None
            assert fmean(map(fmean, by_stem.values())) == pytest.approx(o.estimate, abs=1e-5)
            assert measure["means"][index][respondent] == f"{o.estimate:.2f}"
            assert n_missing == o.n_missing
            seen += 1
    # 4 respondents on 6 + 3 targets of the given system and 4 + 2 of the built one.
    assert seen == 4 * (9 + 6)


def test_an_orientation_that_does_not_follow_from_its_completions_is_refused():
    results = example_results()
    first = results.orientations[0]
    wrong = replace(
        results, orientations=(replace(first, estimate=first.estimate + 0.1), *results.orientations[1:])
    )
    with pytest.raises(
        DataError, match=r"1 of 60 orientations do not follow .* \(first: model-1-instruct on Skilled: "
    ):
        build_evidence(wrong, read_measures(wrong))


def test_an_orientation_without_ratings_is_refused():
    results = example_results()
    without = replace(results, ratings=results.ratings[:1])
    with pytest.raises(DataError, match="no ratings"):
        build_evidence(without, read_measures(without))


def test_a_term_leads_to_exactly_the_responses_that_named_it():
    results = example_results()
    data = build_evidence(results, read_measures(results)).data
    for name, indices in data["terms"]:
        column = results.found.matrix.terms.index(name)
        named = {
            results.found.matrix.response_ids[i]
            for i in results.found.matrix.named.dense()[:, column].nonzero()[0].tolist()
        }
        assert {results.found.responses[i].id for i in indices} == named
        assert all(name in data["responses"][i][3] for i in indices)


def test_missing_completions_have_a_reason_and_no_rating():
    results = example_results()
    evidence = build_evidence(results, read_measures(results))
    rows = [row for one in evidence.respondents for row in one.completions]
    assert {row.missing for row in rows} == {None, "refused", "off topic", "empty", "call failed"}
    assert all((row.missing is None) == (len(row.ratings) == 10) for row in rows)
