"""Every call is in one shard, and in the same one on every machine."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.call import call_key, shard_of


def key(draw: int) -> str:
    return call_key(endpoint="http://e/v1", revision="", path="/completions", body='{"model":"m"}', draw=draw)


def test_shards_are_a_promise() -> None:
    # 0x1f = 31: 31 mod 4 = 3; 31 mod 10 = 1. All 64 digits count: 16 mod 3 = 1, so 0x10 is in shard 1 of 3.
    assert shard_of("call1-" + "0" * 62 + "1f", 4) == 3
    assert shard_of("call1-" + "0" * 62 + "1f", 10) == 1
    assert shard_of("call1-1" + "0" * 63, 3) == pow(16, 63, 3) == 1
    assert [shard_of(key(draw), 5) for draw in range(8)] == [4, 1, 2, 4, 0, 4, 4, 1]


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_every_call_is_in_exactly_one_shard(draw: int, n: int) -> None:
    assert 0 <= shard_of(key(draw), n) < n


def test_shards_are_balanced() -> None:
    # 7000 calls in 7 shards: 1000 each, standard deviation sqrt(7000 x 1/7 x 6/7) = 29.3; six of them are 176.
    counts = Counter(shard_of(key(draw), 7) for draw in range(7000))
    assert len(counts) == 7
    assert all(abs(n - 1000) < 176 for n in counts.values())
