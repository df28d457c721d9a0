"""How far labelled rows differ within blocks: one statistic for many arrangements of the labels at once.

Least squares with a constant for each block, in closed form. Owns no permutation; `valuelex.stats.permutation`
does, and checks the data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import Array, first

Labels = NDArray[np.int64]
_FLOOR = 1e-12
"""Least squared standard error, as a share of what it would be if labels explained nothing."""
_RIDGE = 1e-9
"""The same with more than two labels, where it is added, so that labels without spread leave an inverse."""
_ROUNDING = 1e-9


class LabelStatistic:
    """Effect of labels within blocks, in its standard error or plain.

    The number of rows of each label in each block must be the same in all arrangements, so all that depends on
    the design is a table of (n_blocks, n_labels) that is made once. `rounding` (n_columns,) is the size below which
    a statistic is zero but for rounding, `tie` the share by which equal ones may differ.
    """

    def __init__(
        self, centred: Array, cells: Labels, *, studentise: bool, names: NDArray[np.generic]
    ) -> None:
        """Prepare the tables.

        Parameters
        ----------
        centred : (n_rows, n_columns)
            Values less the mean of their block.
        cells : (n_blocks, n_labels)
            Number of rows of each label in each block; every block has two labels or more.
        studentise
            Whether to divide by a standard error that allows for unequal variances (HC2).
        names : (n_labels,)
            What the labels are called in messages.

        Raises
        ------
        DataError
            If a label has too few rows, or labels are not connected through blocks.
        """
        _refuse_rare(cells, 2 if studentise else 1, names)
        size = cells.sum(axis=1)
        n_labels = cells.shape[1]
        # Row of the design for a label in a block: its indicator less its share, without the last label.
        design = np.eye(n_labels)[None, :, :-1] - (cells / size[:, None])[:, None, :-1]
        crossproduct = np.einsum("bk,bkp,bkq->pq", cells, design, design)
        if np.linalg.matrix_rank(crossproduct, tol=1e-9) < n_labels - 1:
            msg = (
                f"Not all {n_labels} labels ({first(names.tolist())}) are connected: some never meet in a block, even "
                "through others; join blocks or compare fewer labels."
            )
            raise DataError(msg)
        self._crossproduct = crossproduct
        self._inverse = np.linalg.inv(crossproduct)
        self._design = design
        self._centred = centred
        self._total = (centred**2).sum(axis=0)
        self.rounding = np.full(centred.shape[1], _ROUNDING)
        if n_labels == 2 and not studentise:
            self.rounding *= np.sqrt(self._total / len(centred))
        self.tie = 1e-5 if n_labels > 2 and studentise else 1e-9
        self._df = (n_labels - 1, int(size.sum()) - len(cells) - n_labels + 1)
        self._studentise = studentise
        if studentise:
            self._prepare_variance(cells, size, names)
        elif n_labels > 2 and self._df[1] < 1:
            msg = f"{size.sum()} rows in {len(cells)} blocks leave no spread within {n_labels} labels; add rows."
            raise DataError(msg)

    def __call__(self, labels: Labels, block: Labels) -> Array:
        """Statistic (n_arrangements, n_columns) of labels (n_arrangements, n_rows) in blocks (n_rows,).

        Signed where there are two labels: first less second. Else an F or Wald ratio, at least 0.
        """
        n_effects = self._df[0]
        sums = np.stack([self._design[block, labels, p] @ self._centred for p in range(n_effects)], axis=-1)
        effects = sums @ self._inverse
        if self._studentise:
            return self._wald(labels, block, sums, effects)
        if n_effects == 1:
            single: Array = effects[..., 0]
            return single
        explained = (sums * effects).sum(axis=-1)
        rest = np.maximum(self._total - explained, _FLOOR * self._total)
        ratio: Array = explained / self._df[0] / (rest / self._df[1])
        return ratio

    def _prepare_variance(self, cells: Labels, size: Labels, names: NDArray[np.generic]) -> None:
        leverage = 1 / size[:, None] + np.einsum("bkp,pq,bkq->bk", self._design, self._inverse, self._design)
        used = cells > 0
        fixed = np.flatnonzero((used & (leverage > 1 - 1e-9)).any(axis=0))
        if fixed.size:
            msg = (
                f"Rows of {fixed.size} of {cells.shape[1]} labels have no spread of their own in this design (first: "
                f"{first(names[fixed].tolist())}), so there is no standard error; add rows or use "
                "statistic='difference'."
            )
            raise DataError(msg)
        gain = np.where(used, 1 / np.where(used, 1 - leverage, 1.0), 0.0)
        self._meat = np.einsum("bk,bkp,bkq->bkpq", gain, self._design, self._design)
        self._fourth = np.einsum("bk,bkpq,bkr,bks->pqrs", cells, self._meat, self._design, self._design)

    def _wald(self, labels: Labels, block: Labels, sums: Array, effects: Array) -> Array:
        n_effects = self._df[0]
        variance = np.empty((*sums.shape, n_effects))
        squared = self._centred**2
        for p in range(n_effects):
            for q in range(p + 1):
                own = self._meat[:, :, p, q]
                found = own[block, labels] @ squared
                for r in range(n_effects):
                    cross = (own * self._design[:, :, r])[block, labels] @ self._centred
                    found -= 2 * effects[..., r] * cross
                found += np.einsum("amr,rs,ams->am", effects, self._fourth[p, q], effects)
                variance[..., p, q] = variance[..., q, p] = found
        typical = self._total[:, None, None] / len(self._centred) * self._crossproduct
        if n_effects == 1:
            t: Array = sums[..., 0] / np.sqrt(np.maximum(variance, _FLOOR * typical)[..., 0, 0])
            return t
        variance += _RIDGE * typical
        solved = np.linalg.solve(variance, sums[..., None])[..., 0]
        wald: Array = np.maximum((sums * solved).sum(axis=-1), 0.0) / n_effects
        return wald


def _refuse_rare(cells: Labels, least: int, names: NDArray[np.generic]) -> None:
    rare = np.flatnonzero(cells.sum(axis=0) < least)
    if rare.size:
        msg = (
            f"{rare.size} of {cells.shape[1]} labels have fewer than {least} rows with values in blocks that can be "
            f"compared (first: {first(names[rare].tolist())}); add rows or leave the label out."
        )
        raise DataError(msg)
