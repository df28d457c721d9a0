from itertools import pairwise

import numpy as np
import pytest

from two_level_lists import two_level_lists
from valuelex.stages import null_tests as nulls
from valuelex.stages.material import gather
from valuelex.stages.null_tests import N_REPLICATES, null_tests


def test_reshuffled_responses_keep_what_each_source_names_and_how_long_its_responses_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, sources, group = two_level_lists(within=1.5, n_models=6, n_lists=12)
    order = np.random.default_rng(3).permutation(len(matrix.response_ids))[15:]  # Not as many of each source.
    matrix, sources = matrix.of_rows(order.tolist()), sources.of_rows(order.tolist())
    drawn = []
    count = nulls.count_lists

    def recorded(lists, block, unit):
        drawn.append((lists.toarray(), unit))
        return count(lists, block, unit)

    monkeypatch.setattr(nulls, "count_lists", recorded)
    material = gather(matrix, sources.units(), None)
    null_tests(matrix, material, (0.5, 1.0, 0.0), group, 3, np.random.default_rng(0))
    assert len(drawn) == N_REPLICATES + 1
    # The first is counted once more, as what is looked for groups in for control.
    np.testing.assert_array_equal(drawn[-1][0], drawn[0][0])
    given, model = matrix.named.dense(), np.array([int(m[1:]) for m in sources.models])
    for lists, unit in drawn:
        for u in range(6):
            own, was = lists[unit == u], given[model == u]
            np.testing.assert_array_equal(own.sum(axis=0), was.sum(axis=0))
            np.testing.assert_array_equal(np.sort(own.sum(axis=1)), np.sort(was.sum(axis=1)))
    for (one, _), (other, _) in pairwise(drawn):
        assert (one != other).any()
