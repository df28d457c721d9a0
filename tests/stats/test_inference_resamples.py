"""Random resamples against exact and very many ones in R (oracles/inference.R)."""

import json
from pathlib import Path

import numpy as np
import pytest

from valuelex.stats.inference import sign_flip_p_values, studentised_intervals

ORACLE = json.loads((Path(__file__).parent.parent / "oracles" / "inference.json").read_text())
X = np.array(ORACLE["x"])[:, None]


def test_random_sign_flips_come_to_the_exact_p_value():
    # 99,999 random patterns: the standard error of p is sqrt(p (1 - p) / 99,999), here about 5e-4.
    p = ORACLE["sign_flip"]
    found = sign_flip_p_values(X, 99_999, np.random.default_rng(5))[0]
    assert found == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 99_999))


def test_the_studentised_interval_equals_that_of_400_000_resamples_in_r():
    # 40,000 resamples here: its ends move by about .003 from seed to seed.
    found = np.concatenate(studentised_intervals(X, 40_000, np.random.default_rng(5)))
    np.testing.assert_allclose(found, ORACLE["bootstrap_t"], atol=0.012)
