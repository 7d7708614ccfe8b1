from datetime import timedelta

from shared.cloud.token_cache import TokenCache

HOUR = timedelta(hours=1)


def test_tokens_are_kept_for_most_of_their_life() -> None:
    clock = [1000.0]
    cache: TokenCache[str] = TokenCache(2, HOUR, lambda: clock[0])
    cache.keep("a", "token", 2000.0)

    clock[0] += 799
    assert cache.find("a") == "token"
    clock[0] += 2
    assert cache.find("a") is None


def test_no_token_is_kept_longer_than_the_flag_says() -> None:
    clock = [0.0]
    cache: TokenCache[str] = TokenCache(2, HOUR, lambda: clock[0])
    cache.keep("a", "token", 1e9)

    clock[0] = 3601.0
    assert cache.find("a") is None


def test_the_longest_unused_goes_first() -> None:
    cache: TokenCache[str] = TokenCache(2, HOUR, lambda: 0.0)
    cache.keep("a", "one", 100.0)
    cache.keep("b", "two", 100.0)
    cache.find("a")
    cache.keep("c", "three", 100.0)

    assert [cache.find(name) for name in "abc"] == ["one", None, "three"]


def test_a_size_of_zero_and_a_dead_token_keep_nothing() -> None:
    none: TokenCache[str] = TokenCache(0, HOUR, lambda: 0.0)
    none.keep("a", "one", 100.0)
    some: TokenCache[str] = TokenCache(9, HOUR, lambda: 200.0)
    some.keep("a", "one", 100.0)

    assert none.find("a") is None
    assert some.find("a") is None
