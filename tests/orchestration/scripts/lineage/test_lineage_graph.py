"""Lineage as a graph: either side of a node, as a tree, and as a picture that can be read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.failures import SettingsError
from orchestration.names import Table
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.lineage.drawing import draw
from orchestration.scripts.lineage.graph import Node, column_graph, table_graph
from orchestration.scripts.lineage.ordering import in_order
from orchestration.scripts.lineage.tree import tree

BRONZE, SILVER, MRR, ARR = ("bronze_product", "sale"), ("silver", "sale"), ("finance", "mrr"), ("finance", "arr")
TABLES = table_graph({BRONZE: [], SILVER: [BRONZE], MRR: [SILVER], ARR: [MRR, SILVER]})


def test_upstream_is_what_a_table_is_made_of_and_downstream_the_other_way() -> None:
    assert set(TABLES.around([MRR])) == {MRR, SILVER, BRONZE}
    assert set(TABLES.around([SILVER], downstream=True)) == {SILVER, MRR, ARR}


def test_a_table_is_found_without_its_schema_and_a_wrong_name_tells_those_that_are_near() -> None:
    assert TABLES.named("ARR") == ARR
    assert TABLES.named("Silver.Sale") == SILVER
    with pytest.raises(SettingsError) as error:
        TABLES.named("silver.sal")
    assert "silver.sale" in error.value.remedy


def test_columns_are_joined_however_a_script_spells_them() -> None:
    lineage: dict[Table, ColumnSources] = {SILVER: {"Amount": [(BRONZE, "AMOUNT")]}, BRONZE: {"amount": []}}
    graph = column_graph({SILVER: ["Amount"], BRONZE: ["amount"], MRR: ["x"]}, lineage)
    assert graph.around([(*SILVER, "Amount")]) == {(*SILVER, "Amount"): [(*BRONZE, "amount")], (*BRONZE, "amount"): []}
    assert graph.unknown == {(*MRR, "x")}


def test_a_tree_unfolds_everything_once() -> None:
    assert list(tree(ARR, TABLES.sources, {BRONZE})) == [
        "finance.arr",
        "├── finance.mrr",
        "│   └── silver.sale",
        "│       └── bronze_product.sale (of what, its SQL does not tell)",
        "└── silver.sale (see above)",
    ]


def test_a_picture_has_every_table_and_line_and_reads_from_left_to_right() -> None:
    edges: dict[Node, list[Node]] = {
        (*ARR, "eur"): [(*MRR, "eur"), (*MRR, "a<b")],
        (*MRR, "eur"): [(*SILVER, "amount")],
        (*MRR, "a<b"): [],
    }
    svg = ET.fromstring(draw(edges))  # noqa: S314 - our own text
    name = "{http://www.w3.org/2000/svg}"
    texts = {text.text: float(text.get("x", "0")) for text in svg.iter(f"{name}text")}
    assert texts["silver.sale"] < texts["finance.mrr"] < texts["finance.arr"]
    assert "a<b" in texts
    assert len(list(svg.iter(f"{name}path"))) == 3


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4), max_size=9))
def test_whatever_reads_what_all_are_drawn_in_boxes_that_do_not_overlap(reads: dict[int, list[int]]) -> None:
    graph = {number: [read for read in found if read != number] for number, found in reads.items()}
    order, circles = in_order(graph)
    assert sorted(order) == sorted({*graph, *(read for found in graph.values() for read in found)})
    for circle in circles:
        assert all(following in graph[one] for one, following in zip(circle, [*circle[1:], circle[0]], strict=True))
    nodes: dict[Node, list[Node]] = {
        ("silver", f"t{made}"): [("silver", f"t{read}") for read in found] for made, found in graph.items()
    }
    boxes = [
        tuple(float(box.get(side, "0")) for side in ("x", "y", "width", "height"))
        for box in ET.fromstring(draw(nodes)).iter("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - our own text
        if box.get("class") == "box"
    ]
    assert len(boxes) == len(order)
    for number, (x, y, width, height) in enumerate(boxes):
        assert all(
            x + width <= x2 or x2 + w2 <= x or y + height <= y2 or y2 + h2 <= y
            for x2, y2, w2, h2 in boxes[number + 1 :]
        )


def test_an_incremental_model_is_not_made_of_itself() -> None:
    graph = table_graph({("silver", "a"): [("silver", "a"), ("bronze_x", "a")]})
    assert graph.sources["silver", "a"] == [("bronze_x", "a")]
