"""Tell how friendly or hostile a text sounds, by a lexicon and rules.

Owns the choice of the lexicon. It shares nothing with the embeddings of the axis judge, so the one can check
the other. Does not say what a text values.

Source: Hutto & Gilbert (2014), VADER: a parsimonious rule-based model for sentiment analysis of social
media text. The package vaderSentiment is under the MIT licence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def sentiment(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return VADER's compound score of each text.

    Parameters
    ----------
    texts
        English; a text without a word of the lexicon scores 0.

    Returns
    -------
    (n_texts,)
        From -1 (most hostile) over 0 to 1 (most friendly), in the order of `texts`.
    """
    # Imported here: reading the lexicon takes longer than everything else that a short command does.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

    analyzer = SentimentIntensityAnalyzer()
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts], dtype=np.float64)
