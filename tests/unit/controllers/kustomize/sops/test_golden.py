"""What genuine SOPS encrypted, opened to the same bytes that genuine SOPS makes of it."""

from pathlib import Path

import aiohttp
import pytest

from controllers.kustomize.sops import formats
from controllers.kustomize.sops.data_key import DataKeys
from controllers.kustomize.sops.errors import DataKeyUnavailable
from controllers.kustomize.sops.formats import Format, format_of_name
from controllers.kustomize.sops.keyring import Keyring
from controllers.kustomize.sops.opener import Opener

GOLDEN = Path(__file__).parents[4] / "golden" / "sops"
ALL_KEYS = ("age.agekey", "pq.agekey", "rsa.asc", "curve.asc")


def keyring(*names: str) -> Keyring:
    return Keyring.parse({name: (GOLDEN / "keys" / name).read_bytes() for name in names})


async def opened(name: str, keys: Keyring) -> bytes:
    form = format_of_name(name)
    document = formats.read((GOLDEN / "encrypted" / name).read_bytes(), form)
    async with aiohttp.ClientSession() as http:
        opener = Opener(document.metadata, await DataKeys(keys, http).recover(document.metadata))
    plain = document.open(opener)
    opener.require_mac()
    return formats.render(plain, form)


@pytest.mark.parametrize("name", sorted(path.name for path in (GOLDEN / "encrypted").iterdir()))
async def test_every_document_opens_to_the_bytes_that_sops_writes(name: str) -> None:
    assert await opened(name, keyring(*ALL_KEYS)) == (GOLDEN / "plain" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("two-recipients.yaml", ("age.agekey",)),
        ("two-recipients.yaml", ("other.agekey",)),
        ("key-groups.yaml", ("age.agekey", "rsa.asc")),
        ("key-groups.yaml", ("rsa.asc", "other.agekey")),
        ("key-groups.yaml", ("age.agekey", "other.agekey")),
    ],
)
async def test_any_sufficient_set_of_keys_opens_a_document(name: str, keys: tuple[str, ...]) -> None:
    assert await opened(name, keyring(*keys)) == (GOLDEN / "plain" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "keys", "told"),
    [
        ("secret.yaml", ("other.agekey",), "none of the age identities is a recipient"),
        ("secret.yaml", ("pq.agekey",), "none of the age identities is a recipient"),
        ("secret.yaml", (), "there is no age identity"),
        ("secret.yaml", ("rsa.asc",), "there is no age identity"),
        ("post-quantum.yaml", ("age.agekey",), "none of the age identities is a recipient"),
        ("pgp-rsa.yaml", ("curve.asc",), "none of the PGP keys is a recipient"),
        ("pgp-curve.yaml", ("age.agekey",), "there is no PGP key"),
        ("key-groups.yaml", ("age.agekey",), "1 of 2 key groups open"),
    ],
)
async def test_without_the_right_key_the_reason_is_told(name: str, keys: tuple[str, ...], told: str) -> None:
    with pytest.raises(DataKeyUnavailable, match=told):
        await opened(name, keyring(*keys))


def test_formats_are_told_by_their_markers() -> None:
    found = {
        path.name: formats.format_of_content(path.read_bytes()) for path in (GOLDEN / "encrypted").iterdir()
    }
    assert found["app.env"] is Format.DOTENV
    assert found["app.ini"] is Format.INI
    assert found["app.json"] is Format.JSON
    assert found["types.yaml"] is Format.YAML
    assert all(formats.format_of_content(path.read_bytes()) is None for path in (GOLDEN / "plain").iterdir())
