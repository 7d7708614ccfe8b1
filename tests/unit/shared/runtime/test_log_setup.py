"""Log lines as `flux logs` and people read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.e2e.processes import ROOT

PROGRAM = """
import logging, sys, warnings
import structlog
from structlog.contextvars import bound_contextvars
from shared.runtime.log_setup import set_up, trace
set_up(sys.argv[1], sys.argv[2])
log = structlog.get_logger()
{body}
"""


def lines(body: str, level: str = "info", encoding: str = "json") -> list[str]:
    """What a process that does this writes to standard error; standard output stays empty."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body), level, encoding],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def parsed(body: str, level: str = "info") -> list[dict]:
    return [json.loads(line) for line in lines(body, level)]


def test_the_fields_of_a_line():
    body = """
who = {"name": "web", "namespace": "apps"}
with bound_contextvars(controller="kustomization", controllerKind="Kustomization", Kustomization=who, **who):
    log.info("server-side apply completed", output={"ConfigMap/apps/x": "created"}, revision="main@sha1:1")
"""
    (line,) = parsed(body)
    assert re.fullmatch(
        r"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z".replace("\\\\", "\\"), line.pop("ts")
    )
    assert line == {
        "level": "info",
        "msg": "server-side apply completed",
        "controller": "kustomization",
        "controllerKind": "Kustomization",
        "Kustomization": {"name": "web", "namespace": "apps"},
        "name": "web",
        "namespace": "apps",
        "output": {"ConfigMap/apps/x": "created"},
        "revision": "main@sha1:1",
    }


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("trace", ["trace", "debug", "info", "error"]),
        ("debug", ["debug", "info", "error"]),
        ("info", ["info", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(level, shown):
    body = "trace('a'); log.debug('b'); log.info('c'); log.error('d')"
    assert [line["level"] for line in parsed(body, level)] == shown


def test_an_exception_says_what_it_was_and_where():
    body = """
try:
    {}["missing"]
except KeyError:
    log.exception("bug while reconciling")
""".replace("{}", "{{}}").replace("{{}}", "dict()")
    (line,) = parsed(body)
    assert (line["level"], line["error"]) == ("error", "KeyError: 'missing'")
    assert "Traceback" in line["stacktrace"]


def test_what_libraries_log_comes_in_the_same_form():
    body = """
logging.getLogger("aiohttp.server").error("broken %s", "pipe")
logging.getLogger("asyncio").warning("slow")
logging.getLogger("x").warning("%d of %d", 1)
logging.getLogger("kubernetes_asyncio.client").warning("the body of a secret")
"""
    found = [(line["level"], line["logger"], line["msg"]) for line in parsed(body)]
    assert found == [
        ("error", "aiohttp.server", "broken pipe"),
        ("info", "asyncio", "slow"),
        ("info", "x", "%d of %d"),
    ]


def test_no_credentials_wherever_they_hide():
    body = """
url = "https://me:hunter2@example.com/repo"
log.info("cannot clone " + url, error=ValueError(url), output={"a": [url]}, what=(url,))
try:
    raise OSError("no answer from " + url)
except OSError:
    log.exception("failed")
logging.getLogger("x").error("Authorization: Bearer hunter2hunter2")
"""
    text = "\n".join(lines(body))
    assert "hunter2" not in text
    assert text.count("***") >= 6


def test_nothing_that_is_logged_can_break_the_log():
    body = r"""
deep = []
for _ in range(100): deep = [deep]
log.info("caf\udce9", a={1: 2**70, "\udce9": b"x"}, b=object, c=deep, d={1, 1}, e=None, f=True, g=1.5)
"""
    (line,) = parsed(body)
    assert line["msg"] == "caf?"
    assert line["a"] == {"1": str(2**70), "?": "b'x'"}
    assert (line["d"], line["e"], line["f"], line["g"]) == ([1], None, True, 1.5)


def test_the_console_form_is_for_people():
    (line,) = lines("log.info('ready', revision='main@sha1:1')", encoding="console")
    assert re.fullmatch(r"\S+Z info  ready revision=main@sha1:1", line)
