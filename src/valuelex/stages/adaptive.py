"""Decide whom to ask more stems.

Owns the rule of stopping: a respondent is finished once the interval of each of its orientations is
narrow enough. Stopping on a width and not on a result leaves estimates unbiased; what it costs in coverage is
measured in benchmarks/adaptive.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from valuelex.domain.measure import RatingArray, Saving
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.stages.score import orient


def still_open(
    study: Study,
    systems: Sequence[ValueSystem],
    ratings: Sequence[RatingArray],
    limits: Mapping[str, int],
) -> frozenset[str]:
    """Find the respondents with stems left and an interval that is too wide or cannot be told.

    Parameters
    ----------
    study
        With the width asked for; without one nobody is left.
    systems
        What is measured.
    ratings
        One array for each system, of the stems asked so far.
    limits
        Stems asked of each respondent so far.
    """
    adaptive = study.project.adaptive
    left = {name for name, n in limits.items() if n < len(study.project.test.stems)}
    if adaptive is None or not left:
        return frozenset()
    by_name = {system.name: system for system in systems}
    stem_ids = [stem.id for stem in study.project.test.stems]
    wide = set()
    for array in ratings:
        # The same random numbers at every look: whether one goes on depends on the answers alone.
        rng = np.random.default_rng([study.seed, *b"adaptive"])
        found = orient(array, by_name[array.system], list(limits), stem_ids, study.compare.resamples, rng)
        wide |= {
            o.respondent_id
            for o in found
            if o.ci_low is None or o.ci_high is None or o.ci_high - o.ci_low > adaptive.width
        }
    return frozenset(wide & left)


def count_saving(study: Study, limits: Mapping[str, int]) -> Saving:
    """Count what was saved when everybody is finished."""
    return Saving(dict(limits), len(study.project.test.stems))
