"""Every struct that is decoded is taken apart when its module is imported; one that is not crashes among threads."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

THREADS_MEET = """
import threading, time
from typing import Literal
import msgspec
from orchestration.decoding import decodable

@decodable
class Order(msgspec.Struct):
    kind: Literal["in", "out"] = "in"
    way: Literal["air", "sea"] = "air"

def decode():
    assert msgspec.json.decode(b'{"kind": "out", "way": "sea"}', type=Order) == Order("out", "sea")

threading.setprofile(lambda *_: time.sleep(0.001))  # at every call of Python's, another thread goes on
threads = [threading.Thread(target=decode) for _ in range(60)]
for thread in threads:
    thread.start()
    time.sleep(0.004)
for thread in threads:
    thread.join()
"""
"""Without the decorator it died of a segmentation fault in six of six runs."""


def test_threads_may_be_the_first_to_decode_a_struct_at_the_same_time() -> None:
    subprocess.run([sys.executable, "-c", THREADS_MEET], check=True)


def test_every_struct_that_is_decoded_is_decodable() -> None:
    found = list(decoded_structs())
    structs = [getattr(importlib.import_module(module), name) for module, name in found]

    assert ("orchestration.delivery.registry", "Terms") in found
    assert ("orchestration.publication.pointer", "_Moving") in found
    assert [struct for struct in structs if not inspect.getsource(struct).startswith("@decodable\n")] == []


def decoded_structs() -> Iterator[tuple[str, str]]:
    """Find what is passed as ``type`` to a decoder, or as second argument to ``convert``: module and name."""
    for folder in ("orchestration", "source_systems"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if "msgspec" in text:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield from ((module, name) for name in sorted(_types_asked_for(ast.parse(text))))


def _types_asked_for(tree: ast.AST) -> set[str]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    kinds = [word.value for call in calls if call.func.attr == "decode" for word in call.keywords if word.arg == "type"]
    kinds += [call.args[1] for call in calls if call.func.attr == "convert" and len(call.args) > 1]
    named = {node.id for kind in kinds for node in ast.walk(kind) if isinstance(node, ast.Name)}
    return named - {"dict", "int", "list", "str", "Any"}
