"""The file of a response matrix.

Owns its format, and that a matrix too large to be held dense is written as any other.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.io.files import write_bytes

ROWS_AT_ONCE = 4096
"""Rows that are written together."""


def write_matrix(folder: Path, matrix: ResponseMatrix, file: str = "response_matrix.npz") -> None:
    """Write which response named which term, readable by numpy.load: as a dense table, most of which is packed away."""
    named = matrix.named
    cuts = range(0, named.shape[0], ROWS_AT_ONCE)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = (named.dense(i, min(i + ROWS_AT_ONCE, named.shape[0])) for i in cuts)
        _write_array(archive, "values", np.dtype(np.uint8), named.shape, parts)
        for name in ("response_ids", "respondent_ids", "terms"):
            labels: tuple[str, ...] = getattr(matrix, name)
            dtype = np.dtype(f"<U{max(map(len, labels), default=1) or 1}")
            texts = (
                np.array(labels[i : i + ROWS_AT_ONCE], dtype) for i in range(0, len(labels), ROWS_AT_ONCE)
            )
            _write_array(archive, name, dtype, (len(labels),), texts)
    write_bytes(folder / file, buffer.getvalue())


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    parts: Iterable[NDArray[Any]],
) -> None:
    """Write an array, given in parts of rows, into an archive as `numpy.savez` does, without ever holding it whole."""
    head = io.BytesIO()
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, header)
    # A fixed date: equal results make equal bytes.
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.file_size = len(head.getvalue()) + dtype.itemsize * math.prod(shape)
    with archive.open(entry, "w") as member:
        member.write(head.getvalue())
        for part in parts:
            member.write(part.tobytes())
