"""Commit messages as Go's text/template writes them, and templates that mean no good."""

import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.image_automation.message import render
from shared.git.errors import GitTimeout
from shared.git.pool import WorkerPool

CHANGES = [
    {
        "file": "web/deploy.yaml",
        "api_version": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": "apps",
        "old": "web:1.0.0",
        "new": "web:1.0.1",
        "setter": "flux-system:web",
    },
    {
        "file": "jobs/cron.yaml",
        "api_version": "batch/v1",
        "kind": "CronJob",
        "name": "tidy",
        "namespace": "",
        "old": "v1",
        "new": "v2",
        "setter": "flux-system:tidy:tag",
    },
    {
        "file": "web/other.yaml",
        "api_version": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": "apps",
        "old": "web:1.0.0",
        "new": "web:1.0.1",
        "setter": "flux-system:web",
    },
]


def rendered(template: str, **values: str) -> dict[str, str]:
    return render(
        {"template": template, "values": values, "name": "auto", "namespace": "fs", "changes": CHANGES}
    )


FULL = """Automated image update

Automation name: {{ .AutomationObject }}

Files:
{{ range $filename, $_ := .Changed.FileChanges -}}
- {{ $filename }}
{{ end -}}

Objects:
{{ range $resource, $changes := .Changed.Objects -}}
- {{ $resource.Kind }} {{ $resource.Name }}
  Changes:
{{- range $_, $change := $changes }}
    - {{ $change.OldValue }} -> {{ $change.NewValue }}
{{- end }}
{{ end -}}
"""
FULL_TEXT = """Automated image update

Automation name: fs/auto

Files:
- jobs/cron.yaml
- web/deploy.yaml
- web/other.yaml
Objects:
- Deployment web
  Changes:
    - web:1.0.0 -> web:1.0.1
    - web:1.0.0 -> web:1.0.1
- CronJob tidy
  Changes:
    - v1 -> v2
"""


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("Update from image update automation", "Update from image update automation", id="text"),
        pytest.param(FULL, FULL_TEXT, id="the documented one"),
        pytest.param(
            '{{range .Changed.Changes}}{{println .OldValue "->" .NewValue}}{{end}}',
            "v1 -> v2\nweb:1.0.0 -> web:1.0.1\n",
            id="changes are told once",
        ),
        pytest.param("{{ .AutomationObject.Namespace }}|{{ .AutomationObject.Name }}", "fs|auto", id="names"),
        pytest.param(
            "{{ .Changed.Objects | toString }}",
            "map[{{{apps/v1 Deployment} {web apps}}}:"
            "[{web:1.0.0 web:1.0.1 flux-system:web} {web:1.0.0 web:1.0.1 flux-system:web}] "
            "{{{batch/v1 CronJob} {tidy }}}:[{v1 v2 flux-system:tidy:tag}]]",
            id="a whole map",
        ),
        pytest.param("{{ .Values.cluster }} {{ .Values.nope }}", "prod <no value>", id="values"),
        pytest.param("{{ .Values.cluster | upper | quote }}", '"PROD"', id="functions in a row"),
        pytest.param("{{ with .Values.nope }}x{{ else }}y{{ end }}", "y", id="with and else"),
        pytest.param(
            "{{ range $i, $c := .Changed.Changes }}{{ if $i }}, {{ end }}{{ $c.Setter }}{{ end }}",
            "flux-system:tidy:tag, flux-system:web",
            id="numbers of a range",
        ),
        pytest.param("{{ (index .Changed.Changes 0).NewValue }}", "v2", id="index"),
        pytest.param("{{ len .Changed.FileChanges }} {{ len .Changed.Objects }}", "3 2", id="len"),
        pytest.param(
            "{{ (index .Changed.Changes 0) | toJson }}",
            '{"NewValue":"v2","OldValue":"v1","Setter":"flux-system:tidy:tag"}',
            id="a change as JSON",
        ),
        pytest.param('{{ splitList ":" "a:b" | join "-" }}', "a-b", id="lists"),
        pytest.param('{{- /* no one reads this */ -}}  a {{- " b" }}', "a b", id="trimming"),
        pytest.param(
            '{{ define "T" }}<{{ . }}>{{ end }}{{ template "T" .Values.cluster }}', "<prod>", id="define"
        ),
        pytest.param("{{ if false }}{{ .Updated }}{{ end }}ok", "ok", id="a removed field that is not used"),
        pytest.param("{{ .Values.items }}", "<no value>", id="no method of a mapping"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_messages(template: str, message: str) -> None:
    assert rendered(template, cluster="prod") == {"message": message}


def test_the_same_input_gives_the_same_message() -> None:
    template = "Change-Id: I{{ .Changed.Objects | toString | sha1sum }}"

    assert rendered(template) == rendered(template)
    assert len(rendered(template)["message"]) == len("Change-Id: I") + 40


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ("{{ range .Updated.Images }}{{ . }}{{ end }}", ".Updated"),
        ("{{ with .Updated }}x{{ end }}", ".Updated"),
        ("{{ .Changed.ImageResult.Files }}", ".Changed.ImageResult"),
    ],
)
def test_removed_fields_are_named(template: str, field: str) -> None:
    assert f"'{field}' has been removed, use '.Changed'" in rendered(template)["removed"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Changed",
        "{{ nofunc 1 }}",
        "{{ if }}",
        "{{ end }}",
        "{{ now }}",
        '{{ env "HOME" }}',
        "{{ randInt 1 9 }}",
    ],
)
def test_what_is_no_template(template: str) -> None:
    assert "unable to create commit message template from spec: " in rendered(template)["error"]


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ .AutomationObject.Nope }}", id="a field that is not there"),
        pytest.param("{{ .Values.cluster.upper }}", id="a method of text"),
        pytest.param("{{ .__class__ }}", id="dunder of the data"),
        pytest.param("{{ .Changed.Changes.__class__ }}", id="dunder of a list"),
        pytest.param("{{ (index .Changed.Changes 0)._fields }}", id="private field of a struct"),
        pytest.param("{{ (index .Changed.Changes 0).plain }}", id="method of a struct"),
        pytest.param('{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', id="recursion"),
        pytest.param("{{ range until 1000000000 }}x{{ end }}", id="a long list"),
        pytest.param('{{ repeat 10000000000 "x" }}', id="a long text"),
        pytest.param('{{ range until 100000 }}{{ "0123456789" }}{{ end }}', id="much output"),
        pytest.param("{{ index .Changed.Changes 99 }}", id="beyond the end"),
        pytest.param('{{ fail "no" }}', id="fail"),
        pytest.param('{{ template "gone" }}', id="no such template"),
    ],
)
def test_a_template_gets_nothing_but_its_data_and_no_more_than_its_budget(template: str) -> None:
    started = time.monotonic()
    found = rendered(template, cluster="prod")

    assert "failed to run template from spec: " in found["error"]
    assert "0x7f" not in found["error"]
    assert time.monotonic() - started < 5


def test_a_long_template_is_refused() -> None:
    assert "error" in rendered("x" * 1_000_000)
    assert "error" in rendered("{{" + "(" * 50_000 + "1" + ")" * 50_000 + "}}")


async def test_a_template_that_takes_its_time_is_ended() -> None:
    endless = "{{ range until 900 }}{{ range until 900 }}{{ $x := list 1 2 3 | toString | sha256sum }}{{ end }}{{ end }}"
    argument = {"template": endless, "values": {}, "name": "a", "namespace": "b", "changes": CHANGES}
    pool = WorkerPool()
    async with pool.serve():
        with pytest.raises(GitTimeout):
            await pool.run(
                "controllers.image_automation.message:render", argument, within=timedelta(seconds=1)
            )


TOKENS = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{{-",
            "-}}",
            "range",
            "if",
            "else",
            "end",
            "with",
            "define",
            "block",
            "template",
            "break",
        ),
        *(
            ".Changed.Changes",
            ".Values.x",
            "$x",
            ":=",
            "=",
            "|",
            "(",
            ")",
            '"a"',
            "`b`",
            "1",
            "-1",
            "1e9",
            "0x",
        ),
        *(
            "index",
            "printf",
            "upper",
            "list",
            "dict",
            "toJson",
            "semver",
            "until",
            "/*",
            "*/",
            "nil",
            "é",
            "..",
            "$",
        ),
        *(
            " ",
            "\n",
            "'",
            '"',
            ".",
            ".Foo",
            ".Changed.Objects",
            ".FileChanges",
            "slice",
            "regexFind",
            "eq",
            "not",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(TOKENS, max_size=14).map(lambda parts: "{{ " + " ".join(parts) + " }}")
    | st.lists(TOKENS).map("".join)
)
def test_any_text_is_rendered_or_refused(template: str) -> None:
    assert len(rendered(template, x="y")) == 1
