"""Break the interpreter of a run, as FAULTS_HOOK says: a clock that jumps, or an error nobody expects."""

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

if hook == "crash":
    import aiohttp

    read, reads = aiohttp.ClientResponse.read, itertools.count()

    async def crash(response: aiohttp.ClientResponse) -> bytes:
        if next(reads) == 20:
            raise RuntimeError(f"never seen before: {response!r}")
        return await read(response)

    aiohttp.ClientResponse.read = crash
