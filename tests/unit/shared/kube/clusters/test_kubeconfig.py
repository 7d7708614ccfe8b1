import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kube.client import Identity
from shared.kube.kubeconfig import Access, Allowed, KubeconfigRefused, parse_kubeconfig
from shared.logic.go_yaml import write

STRICT = Allowed()
PEM = base64.b64encode(b"PEM").decode()


def kubeconfig(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **rest: Any
) -> bytes:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "other", "context": {"cluster": "x", "user": "x"}},
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example:6443/"} | (cluster or {})}],
        "users": [{"name": "u", "user": {"token": "s3cr3t"} if user is None else user}],
    } | rest
    return write(document).encode()


def parsed(*args: Any, allowed: Allowed = STRICT, **rest: Any) -> Access:
    return parse_kubeconfig(kubeconfig(*args, **rest), allowed)


def test_the_current_context_is_used_and_secrets_are_not_printed() -> None:
    access = parsed({"certificate-authority-data": PEM, "tls-server-name": "api"})
    assert (access.server, access.ca, access.tls_server_name) == ("https://api.example:6443", b"PEM", "api")
    assert access.token == "s3cr3t"
    assert "s3cr3t" not in repr(access)


@pytest.mark.parametrize(
    ("cluster", "user", "told"),
    [
        pytest.param(None, {"exec": {"command": "sh"}}, "exec plugin may not be run", id="exec"),
        pytest.param(
            None, {"auth-provider": {"name": "gcp"}}, "auth-provider is not supp", id="auth provider"
        ),
        pytest.param(None, {"tokenFile": "/etc/passwd"}, "tokenFile is a file", id="token file"),
        pytest.param(
            None,
            {"client-certificate": "/a", "client-key": "/b"},
            "client-certificate is a file",
            id="certificate file",
        ),
        pytest.param(
            None,
            {"client-certificate-data": PEM, "client-key": "/b"},
            "client-key is a file",
            id="key file",
        ),
        pytest.param(
            {"certificate-authority": "/ca"}, None, "certificate-authority is a file", id="authority file"
        ),
        pytest.param({"certificate-authority-data": "~"}, None, "is not base64", id="authority not base64"),
        pytest.param({"server": "file:///x"}, None, "server is not an http", id="server is a file"),
        pytest.param({"server": ""}, None, "server is not an http", id="no server"),
        pytest.param({"server": "https://[x"}, None, "server is not an http", id="server no address"),
        pytest.param({"server": "https://a\nb"}, None, "server is not an http", id="server of two lines"),
        pytest.param({"server": "https://a:99999"}, None, "server is not an http", id="port too high"),
        pytest.param({"proxy-url": "socks5://x"}, None, "proxy-url is not an http", id="socks"),
        pytest.param(None, {"token": "a\nHost: b"}, "token is not one line", id="token with a header"),
        pytest.param(None, {"token": "x", "as": "a\r\nb"}, "as is not one line", id="user with a header"),
        pytest.param(None, {"token": "x", "as": "a", "as-groups": ["g\nx"]}, "as-groups is not", id="group"),
    ],
)
def test_what_reaches_into_this_process_is_refused(cluster: Any, user: Any, told: str) -> None:
    with pytest.raises(KubeconfigRefused, match=told):
        parsed(cluster, user)


def test_what_is_not_allowed_is_dropped_where_something_else_is_left() -> None:
    access = parsed(
        {"certificate-authority": "/ca", "certificate-authority-data": PEM, "insecure-skip-tls-verify": True},
        {"token": "t", "tokenFile": "/x", "exec": {"command": "sh"}, "client-certificate": "/c"},
    )
    assert access == Access("https://api.example:6443", ca=b"PEM", token="t")


def test_what_is_insecure_takes_a_flag() -> None:
    cluster, user = {"insecure-skip-tls-verify": True}, {"exec": {"command": "sh"}}
    access = parsed(cluster, user, allowed=Allowed(exec_plugins=True, insecure_tls=True))
    assert access.exec_plugin == {"command": "sh"}
    assert not access.verify
    assert parsed(cluster, {"token": "t"}).verify


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{s3cr3t", "not YAML, see line"),
        (b"[]", "not a mapping"),
        (b"", "not a mapping"),
        (b"a: 1", "no current-context"),
        (kubeconfig(**{"current-context": "gone"}), "no context 'gone'"),
        (kubeconfig(clusters=[]), "no cluster 'c'"),
        (kubeconfig(clusters="x"), "no cluster 'c'"),
        (kubeconfig(clusters=[5, {"name": "c"}]), "no cluster 'c'"),
        (kubeconfig(users=None), "no user 'u'"),
        (
            b"a: &a [x,x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]",
            "not YAML",
        ),
        (b"a: " + b"[" * 1000, "not YAML"),
        (b"x" * (2 * 2**20 + 1), "not YAML"),
    ],
)
def test_what_is_no_kubeconfig_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(KubeconfigRefused, match=told) as caught:
        parse_kubeconfig(content, STRICT)
    assert "s3cr3t" not in str(caught.value)


def test_passwords_certificates_and_impersonation_are_read() -> None:
    user = {"username": "u", "password": "p", "client-certificate-data": PEM, "client-key-data": PEM}
    access = parsed(None, user | {"as": "boss", "as-groups": ["g"]})
    assert (access.username, access.password, access.certificate, access.private_key) == (
        "u",
        "p",
        b"PEM",
        b"PEM",
    )
    assert access.identity == Identity("boss", ("g",))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "server",
    "proxy-url",
    "token",
    "tokenFile",
    "exec",
    "as",
    "as-groups",
    "client-key-data",
    "username",
]


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    st.dictionaries(st.sampled_from(FIELDS), json_values),
)
def test_whatever_a_field_holds_ends_in_access_or_refusal(cluster: Any, user: Any) -> None:
    try:
        access = parsed(cluster, user)
    except KubeconfigRefused:
        return
    assert access.server.startswith("http")
    assert access.exec_plugin is None
