"""Long words in narrow columns: broken where a reader finds their parts again, and never shortened."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.cli.folding import Cell, folded


def lines(text: str, width: int) -> list[str]:
    return folded(Text(text), width).plain.splitlines()


def test_a_path_is_broken_behind_a_folder() -> None:
    path = "/srv/strata/state/warehouse/warehouse.duckdb"
    assert lines(path, 30) == ["/srv/strata/state/warehouse/", "warehouse.duckdb"]
    assert lines(path, 18) == ["/srv/strata/state/", "warehouse/", "warehouse.duckdb"]


def test_without_a_folder_other_separators_do_and_without_any_the_width() -> None:
    assert lines("bronze_product.subscription_change", 20) == ["bronze_product.", "subscription_change"]
    assert lines("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_what_fits_and_prose_stay_as_they_are() -> None:
    text = "the file /srv/strata is made by the first load"
    assert lines(text, 12) == [text]


def test_a_table_shows_a_path_in_whole_folders_and_loses_nothing() -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    path = "/a-rather-long-folder/and-another-one/warehouse/warehouse.duckdb"
    table.add_row("warehouse", Cell(Text(f"{path} is made by the first load")))
    console = Console(file=io.StringIO(), width=50)
    with console.capture() as shown_by:
        console.print(table)
    shown = [line[len("warehouse") :].strip() for line in shown_by.get().splitlines()]
    assert shown == [
        "/a-rather-long-folder/and-another-one/",
        "warehouse/warehouse.duckdb is made by",
        "the first load",
    ]
