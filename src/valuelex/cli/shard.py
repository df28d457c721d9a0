"""What `valuelex run --shard` does: one machine's part of a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from valuelex.cli.show import Bars, interruptible
from valuelex.domain.wording import count

if TYPE_CHECKING:
    from pathlib import Path

    from valuelex.domain.budget import Budget
    from valuelex.pipeline import Status, Workspace


def run_shard(
    workspace: Workspace,
    text: str,
    study: Path,
    approve: Callable[[Status], bool],
    budget: Budget | None,
) -> None:
    """Send the calls of a shard and say what comes next."""
    from valuelex.pipeline.sharding import Shard, send_shard

    shard = Shard.read(text)
    with interruptible():
        sent = send_shard(workspace, shard, approve=approve, progress=Bars(), budget=budget)
    typer.echo(
        f"Shard {shard.number}/{shard.of}: {count(sent.n_new, 'call was', 'calls were')} sent, "
        f"{sent.n_own - sent.n_new} had been before. Ledger: {workspace.ledger_path}"
    )
    if sent.n_elsewhere:
        typer.echo(
            f"{count(sent.n_elsewhere, 'call')} of other shards {'has' if sent.n_elsewhere == 1 else 'have'} no "
            f"answer in this ledger. When those have run, merge: valuelex merge {study} LEDGER..."
        )
    if not sent.is_whole:
        typer.echo(
            "More calls depend on these answers. After the merge, run the shards again on copies of the merged ledger, "
            f"or all the rest here: valuelex run {study}"
        )
    elif not sent.n_elsewhere:
        typer.echo(f"Next: valuelex run {study}")
