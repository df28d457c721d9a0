"""Groups of columns whose profiles over makers go together."""

import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.profile_groups import double_centred, held_out_coherence


def profiles_of(seed, shared, n_makers=15, p=60, k=4):
    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(n_makers, k))[:, np.arange(p) % k]
    return double_centred(shared * traits + rng.normal(size=(n_makers, p)))


def test_double_centred_rows_and_columns_have_mean_zero():
    centred = double_centred(np.arange(12.0).reshape(3, 4) ** 2)
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(centred.mean(axis=1), 0, atol=1e-12)


def test_planted_groups_cohere_in_makers_not_learnt_on():
    found = held_out_coherence(profiles_of(0, 1.0), np.arange(15), (2, 4, 8), np.random.default_rng(0))
    assert found.candidates[int(found.gain.argmax())] == 4
    assert found.gain.max() > 0.3


def test_without_groups_nothing_coheres():
    gains = [
        held_out_coherence(profiles_of(s, 0.0), np.arange(15), (2, 4, 8), np.random.default_rng(s)).gain
        for s in range(8)
    ]
    assert np.abs(np.mean(gains, axis=0)).max() < 0.03


def test_groups_that_one_family_alone_has_do_not_count():
    # Ten makers of one family share a pattern and noise; five others have none. Folds hold the family out whole.
    rng = np.random.default_rng(3)
    pattern = np.sign(np.arange(60) % 2 - 0.5) * 2
    table = rng.normal(size=(15, 60))
    table[:10] += pattern
    unit = np.array([0] * 10 + [1, 2, 3, 4, 5])
    by_family = held_out_coherence(double_centred(table), unit, (2,), np.random.default_rng(0)).gain[0]
    by_maker = held_out_coherence(double_centred(table), np.arange(15), (2,), np.random.default_rng(0)).gain[
        0
    ]
    assert by_maker > by_family


@pytest.mark.parametrize(("makers", "candidates"), [(2, (2,)), (6, (60,))])
def test_too_few_makers_or_columns_are_refused(makers, candidates):
    with pytest.raises(DataError):
        held_out_coherence(
            np.random.default_rng(0).normal(size=(makers, 60)),
            np.arange(makers),
            candidates,
            np.random.default_rng(0),
        )
