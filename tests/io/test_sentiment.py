import numpy as np
import pytest

from valuelex.io.sentiment import sentiment


def test_the_score_is_the_one_that_the_authors_publish():
    # The first example of the package's README: "VADER is smart, handsome, and funny." has compound 0.8316.
    found = sentiment(["VADER is smart, handsome, and funny.", "", "The table stands by the window, and I"])
    np.testing.assert_allclose(found, [0.8316, 0.0, 0.0], atol=1e-12)


def test_it_hears_a_negation():
    good, bad = sentiment(["The plot was good.", "The plot was not good."])
    assert good > 0 > bad


def test_nothing_has_no_score():
    assert sentiment([]).shape == (0,)


@pytest.mark.parametrize("text", ["!!!", "\ud83d", "🙂"])
def test_signs_are_no_trouble(text):
    assert -1 <= sentiment([text])[0] <= 1
