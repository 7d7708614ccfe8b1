"""Which cluster is chosen, as kubectl chooses (specs/cli.md 2.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cli.kubeconfig import choose
from cli.problems import CliError
from cli.settings import Settings

NOTHING_SAID = Settings("flux-system", False, 300, "", "", "", "", {}, {}, "", ())


def written(path: Path, name: str, **user: str) -> Path:
    config = {
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}", "certificate-authority": "ca.crt"}}
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_first_file_of_the_list_wins_and_its_paths_are_its_own(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one", "one", token="t1"), written(tmp_path / "two", "two", token="t2")
    environ = {"KUBECONFIG": f"{one}:{two}:{tmp_path / 'absent'}"}
    first = choose(NOTHING_SAID, environ)
    assert first.namespace == "ns-one"
    assert first.config is not None
    assert first.config["clusters"][0]["cluster"] == {
        "server": "https://one",
        "certificate-authority": str(tmp_path / "ca.crt"),
    }
    second = choose(replace(NOTHING_SAID, context="two"), environ)
    assert second.config is not None
    assert second.config["users"][0]["user"] == {"token": "t2"}


def test_flags_win_over_files(tmp_path: Path) -> None:
    path = written(tmp_path / "one", "one", **{"client-certificate": "a", "client-key": "b"})
    said = replace(
        NOTHING_SAID,
        kubeconfig=str(path),
        cluster_fields={"server": "https://other", "insecure-skip-tls-verify": True},
        user_fields={"token": "given"},
    )
    config = choose(said, {}).config
    assert config is not None
    assert config["clusters"][0]["cluster"] == {"server": "https://other", "insecure-skip-tls-verify": True}
    assert config["users"][0]["user"] == {"token": "given"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kubeconfig": "absent"}, 'there is no kubeconfig "absent"'),
        ({"context": "nine"}, 'has no context "nine"; there are: one'),
        ({"cluster": "nine"}, 'has no cluster "nine"'),
        ({"user": "nine"}, 'has no user "nine"'),
    ],
)
def test_names_that_are_not_there(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = written(tmp_path / "one", "one")
    with pytest.raises(CliError, match=message):
        choose(replace(NOTHING_SAID, **{"kubeconfig": str(path)} | change), {})


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_text("users: [{token: secret-of-mine}\nx: ]")
    with pytest.raises(CliError, match="is no YAML") as caught:
        choose(replace(NOTHING_SAID, kubeconfig=str(path)), {})
    assert "secret-of-mine" not in caught.value.message
