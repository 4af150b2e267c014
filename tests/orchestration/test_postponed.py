"""A postponed module costs nothing until it is used, and is then the module itself: seen in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import sys
from orchestration.postponed import postponed
with postponed("wsgiref.headers"):
    import wsgiref.headers
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_import_alone_does_not_load_it() -> None:
    assert run(BEGIN + 'print("wsgiref.headers" in sys.modules)') == "False"


@pytest.mark.parametrize(
    "way",
    [
        "used = wsgiref.headers.Headers",
        "import wsgiref.headers\nused = wsgiref.headers.Headers",
        "import wsgiref.headers as module\nused = module.Headers",
        "from wsgiref.headers import Headers as used",
        "from wsgiref import headers\nused = headers.Headers",
    ],
)
def test_every_way_to_use_it_finds_the_module_itself(way: str) -> None:
    after = '\nprint(used is sys.modules["wsgiref.headers"].Headers, wsgiref.headers is sys.modules["wsgiref.headers"])'
    assert run(BEGIN + way + after) == "True True"


def test_a_module_that_is_loaded_stays() -> None:
    loaded = BEGIN.replace("import sys", "import sys, wsgiref.headers as loaded")
    assert run(loaded + 'print(sys.modules["wsgiref.headers"] is loaded is wsgiref.headers)') == "True"


def test_what_it_lacks_is_told_as_ever() -> None:
    lacks = "try: wsgiref.headers.nothing\nexcept AttributeError as error: print(error)"
    assert run(BEGIN + lacks) == "module 'wsgiref.headers' has no attribute 'nothing'"


def test_who_uses_it_within_the_block_keeps_it() -> None:
    used = BEGIN + "    used = wsgiref.headers.Headers\n"
    assert run(used + 'print(sys.modules["wsgiref.headers"].Headers is used is wsgiref.headers.Headers)') == "True"


def test_reading_from_postgres_does_not_import_pandas() -> None:
    script = (
        "import sys\n"
        "from source_systems.product.session import Session\n"
        "from orchestration.failures import ConnectionFailed\n"
        "try: Session('postgresql://u:p@127.0.0.1:1/x', 'here')\n"
        "except ConnectionFailed: print('pandas' in sys.modules, 'adbc_driver_manager.dbapi' in sys.modules)"
    )
    assert run(script) == "False True"
