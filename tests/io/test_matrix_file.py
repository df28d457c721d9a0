from pathlib import Path

import numpy as np
import pytest

from examples import response_matrix
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.io import matrix_file
from valuelex.io.matrix_file import write_matrix


def named(n_responses: int, n_terms: int) -> ResponseMatrix:
    values = (np.random.default_rng(0).random((n_responses, n_terms)) < 0.2).astype(np.uint8)
    return response_matrix(
        values, [f"r{i % 3}" + "ä" * (i % 7) for i in range(n_responses)], [f"w{j}" for j in range(n_terms)]
    )


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 4), (23, 5)])
@pytest.mark.parametrize("rows_at_once", [1, 4, 23, 4096])
def test_a_matrix_is_read_as_a_dense_table_with_labels(
    tmp_path: Path, shape: tuple[int, int], rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_file, "ROWS_AT_ONCE", rows_at_once)
    matrix = named(*shape)
    write_matrix(tmp_path, matrix, "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as read:
        assert read.files == ["values", "response_ids", "respondent_ids", "terms"]
        assert read["values"].dtype == np.uint8
        np.testing.assert_array_equal(read["values"], matrix.named.dense())
        for name in read.files[1:]:
            # As wide as NumPy would make them.
            assert read[name].dtype == np.array(getattr(matrix, name), dtype=np.str_).dtype
            assert tuple(read[name].tolist()) == getattr(matrix, name)


def test_equal_matrices_make_equal_bytes_however_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = named(200, 30)
    write_matrix(tmp_path, matrix, "one.npz")
    monkeypatch.setattr(matrix_file, "ROWS_AT_ONCE", 3)
    write_matrix(tmp_path, matrix, "other.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
