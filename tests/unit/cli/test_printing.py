"""Tables and texts byte for byte, as scripts read them (specs/cli.md 2.3)."""

from __future__ import annotations

from cli.ages import age
from cli.printing import printable, shortened, table

HASH = "696f056df216eea4f9401adbee0ff744d4df390f"


def test_a_table_pads_every_cell_and_ends_each_with_a_tab() -> None:
    assert table(["name", "ready"], [["a-long-name", "True"], ["b", "False"]]) == (
        "NAME       \tREADY\t\na-long-name\tTrue \t\nb          \tFalse\t\n"
    )


def test_rows_alone() -> None:
    assert table(["name"], [["b"]], header=False) == "b\t\n"


def test_hashes_are_cut_where_they_are_words() -> None:
    assert shortened(f"main@sha1:{HASH} x{HASH}") == f"main@sha1:{HASH[:8]} x{HASH}"


def test_what_the_cluster_holds_cannot_steer_the_terminal() -> None:
    assert printable("\x1b[2Ja\nb\tc") == "\N{REPLACEMENT CHARACTER}[2Ja\nb\tc"


def test_ages_are_coarser_the_older_they_are() -> None:
    ages = {0: "0s", 119: "119s", 330: "5m30s", 600: "10m", 3 * 3600: "3h", 12_000: "3h20m", 108_000: "30h"}
    assert {seconds: age(seconds) for seconds in ages} == ages
    assert age(5 * 86_400 + 4 * 3600) == "5d4h"
    assert age(-5) == "<invalid>"
