"""Turn a taxonomy into a value system that respondents can be measured on.

Owns the names by markers and the anchors in a fixed form. Does not group terms; see `valuelex.stages.construct`.
"""

from __future__ import annotations

import numpy as np

from valuelex.domain.structure import BUILT, Dimension, Subdimension, Taxonomy, ValueSystem

N_MARKERS = 10


def build_system(taxonomy: Taxonomy, study_name: str) -> ValueSystem:
    """Turn a taxonomy into a value system that can be measured.

    Groups are named by their three most central terms; the ten most central are the markers. The anchors are
    one sentence pair for each marker, in a fixed form, so they are cruder than hand-written ones.
    """
    dimensions = []
    for d in range(int(taxonomy.dimension.max()) + 1):
        groups = np.unique(taxonomy.subdimension[taxonomy.dimension == d])
        subdimensions = tuple(_subdimension(taxonomy, int(g)) for g in groups)
        leaders = [s.markers[0] for s in subdimensions]
        dimensions.append(
            Dimension(
                id=f"d{d + 1}",
                name=" · ".join(leaders),
                definition=f"Words around {', '.join(leaders)}, as grouped in this study.",
                subdimensions=subdimensions,
            )
        )
    return ValueSystem(
        name=BUILT,
        title=f"System built from the study {study_name!r}",
        source=f"Built by ValueLex from the responses of the study {study_name!r}.",
        dimensions=tuple(dimensions),
    )


def _subdimension(taxonomy: Taxonomy, group: int) -> Subdimension:
    members = np.flatnonzero(taxonomy.subdimension == group)
    order = members[np.lexsort((members, -taxonomy.centrality[members]))]
    markers = tuple(taxonomy.terms[i] for i in order[:N_MARKERS])
    return Subdimension(
        id=f"s{group + 1}",
        name=", ".join(markers[:3]),
        definition=f"Words grouped together: {', '.join(markers)}.",
        markers=markers,
        high=tuple(f"I acted with {marker}, because {marker} matters to me." for marker in markers),
        low=tuple(f"I acted without {marker}, because {marker} does not matter to me." for marker in markers),
    )
