"""Bend the interpreter of a run, as FAULTS_HOOK says: a clock that jumps, an error nobody expects, less patience."""

import itertools
import os
import time

YEAR_S = 365 * 86400
JUMPS_S = (0, -3 * YEAR_S, 5 * YEAR_S, -3600)
hook = os.environ.get("FAULTS_HOOK")

if hook == "clock":
    real, ticks = time.time, itertools.count()
    # Another jump at every twentieth look at the clock.
    time.time = lambda: real() + JUMPS_S[next(ticks) // 20 % len(JUMPS_S)]

if hook == "impatient":
    from valuelex.io import pace

    # An endpoint that never answered is given up after a minute; nobody waits so long for a test.
    pace.PATIENCE_WITH_STRANGERS_S = 3.0

if hook == "crash":
    import aiohttp

    read, reads = aiohttp.ClientResponse.read, itertools.count()

    async def crash(response: aiohttp.ClientResponse) -> bytes:
        if next(reads) == 20:
            raise RuntimeError(f"never seen before: {response!r}")
        return await read(response)

    aiohttp.ClientResponse.read = crash
