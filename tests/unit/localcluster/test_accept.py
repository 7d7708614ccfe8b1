"""Which form of answer an Accept header gets."""

import pytest

from localcluster.http.accept import Form, accepted
from localcluster.status import Refusal

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("header", "allowed", "media_type", "form"),
    [
        ("", (), "application/json", Form.WHOLE),
        ("*/*", (), "application/json", Form.WHOLE),
        ("application/yaml", (), "application/yaml", Form.WHOLE),
        ("application/yaml;q=0.1, application/json", (), "application/json", Form.WHOLE),
        ("application/vnd.kubernetes.protobuf,application/json", (), "application/json", Form.WHOLE),
        (f"{TABLE},application/json", (Form.TABLE,), "application/json", Form.TABLE),
        (f"{TABLE},application/json", (), "application/json", Form.WHOLE),
        ("text/html, application/json;q=0.5", (), "application/json", Form.WHOLE),
    ],
)
def test_the_first_form_that_can_be_served_is_taken(header, allowed, media_type, form) -> None:
    found = accepted(header, allowed)
    assert (found.media_type, found.form) == (media_type, form)


@pytest.mark.parametrize(
    "header", ["text/html", TABLE, "application/vnd.kubernetes.protobuf", ";;;", "a" * 9000]
)
def test_what_cannot_be_served_is_not_acceptable(header) -> None:
    with pytest.raises(Refusal) as refused:
        accepted(header)
    assert refused.value.code == 406
