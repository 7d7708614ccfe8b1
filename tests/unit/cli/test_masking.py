"""No value that SOPS encrypted is shown, and none makes a difference (specs/cli.md 8.2, 8.3)."""

from __future__ import annotations

import base64
from typing import Any

from cli.masking import MASK, has_masks, masked, with_live_values

CIPHER = "ENC[AES256_GCM,data:c2VjcmV0,iv:a,tag:b,type:str]"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}} | fields


def test_an_encrypted_secret() -> None:
    obj = secret(
        data={"a": CIPHER, ".dockerconfigjson": CIPHER}, stringData={"b": CIPHER}, sops={"mac": CIPHER}
    )
    shown = masked(obj)
    assert shown["data"]["a"] == b64(MASK)
    assert base64.b64decode(shown["data"][".dockerconfigjson"]).decode() == f'{{"mask":"{b64(MASK)}"}}'
    assert shown["stringData"] == {"b": MASK}
    assert "sops" not in shown


def test_a_generated_secret_of_an_encrypted_file() -> None:
    file = b64(f"key: {CIPHER}\nsops:\n  mac: {CIPHER}\n")
    assert masked(secret(data={"file": file, "plain": b64("x")}))["data"] == {
        "file": b64(MASK),
        "plain": b64("x"),
    }


def test_another_kind_keeps_what_is_not_encrypted() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": CIPHER, "b": "plain"}, "sops": {}}
    assert masked(obj) == {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": MASK, "b": "plain"}}


def test_masked_values_are_as_in_the_cluster() -> None:
    desired = masked(secret(data={"same": CIPHER, "new": CIPHER}, sops={}))
    assert has_masks(desired)
    live = secret(data={"same": b64("live"), "gone": b64("x")})
    assert with_live_values(desired, live)["data"] == {"same": b64("live"), "new": b64(MASK)}
