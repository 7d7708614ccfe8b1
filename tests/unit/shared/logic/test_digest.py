import hashlib

import pytest

from shared.logic.digest import Digest, InvalidDigest, new_hasher


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_hashers(algorithm: str) -> None:
    hasher = new_hasher(algorithm)
    hasher.update(b"water")

    assert hasher.hexdigest() == hashlib.new(algorithm, b"water").hexdigest()


@pytest.mark.parametrize("algorithm", ["md5", "", "SHA256"])
def test_unknown_algorithms_are_named(algorithm: str) -> None:
    with pytest.raises(InvalidDigest, match="use one of"):
        new_hasher(algorithm)


def test_a_bare_hash_counts_as_sha256() -> None:
    assert Digest.parse("AB" * 32) == Digest("sha256", "ab" * 32)


def test_digests_read_back() -> None:
    assert str(Digest.parse("sha512:" + "0" * 128)) == "sha512:" + "0" * 128


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:xyz", ":" + "0" * 64, "sha256:" + "0" * 64 + "\n"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)
