"""A consumer's way at the command line: registers, receives, breaks its endpoint, mends it, replays."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_tables import make_table
from standardwebhooks import Webhook

from orchestration.publication.publish import publish
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings
from orchestration.warehouse.apply import apply

Strata = Callable[..., Any]
USAGE = ("gold", "usage")


class Endpoint(BaseHTTPRequestHandler):
    """Keeps what arrives, and answers with ``status``."""

    status = 204
    arrived: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).arrived.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def endpoint() -> Iterator[type[Endpoint]]:
    """An endpoint of this test alone, with its address."""
    kept = type("Kept", (Endpoint,), {"arrived": [], "url": ""})
    with ThreadingHTTPServer(("127.0.0.1", 0), kept) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield kept
        server.shutdown()


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strata: Strata) -> None:
    monkeypatch.setenv("STRATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRATA_DELIVERY_ALLOWED_NETWORKS", "127.0.0.0/8")
    put_usage(1, 50)
    assert strata("consumer", "add", "acme/bi", "--contact", "bi@example.com").code == 0


def put_usage(*seats: int) -> None:
    """Publish a version in which acme has a row for each number, and globex one that is nobody's business."""
    runtime = open_runtime(load_settings())
    rows = ", ".join(f"('acme', {number}, {value})" for number, value in enumerate(seats, 1))
    with runtime.warehouse.session("build") as session:
        apply(session)
        every = f"(VALUES {rows}, ('globex', 1, 777)) AS found(_tenant_id, id, seats)"
        make_table(session, USAGE, f"SELECT * FROM {every}")
        publish(session, runtime, [USAGE], {USAGE: ("_tenant_id", "id")}, "build")


def register(strata: Strata, endpoint: type[Endpoint], *more: str) -> dict[str, Any]:
    answer = strata(
        "registration", "add", "acme/bi-usage", "--consumer", "bi", "--event", "gold.rows.changed",
        "--table", "gold.usage", "--payload", "changes", "--channel", "webhook", "--set", f"url={endpoint.url}",
        *more, "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.out + answer.err
    document: dict[str, Any] = answer.document
    return document


def changed(message: tuple[dict[str, str], bytes]) -> list[tuple[str, int, int]]:
    return [(row["_change"], row["id"], row["seats"]) for row in json.loads(message[1])["data"]["rows"]]


def test_a_consumer_registers_receives_breaks_mends_and_replays(strata: Strata, endpoint: type[Endpoint]) -> None:
    key = register(strata, endpoint, "--term", "retries=1")["made"]["signing_key"]
    strata("registration", "send", "acme/bi-usage")
    strata("deliver", "--once")
    headers, body = endpoint.arrived[-1]
    assert Webhook(key).verify(body.decode(), headers)["type"] == "gold.rows.changed.v1"
    assert changed(endpoint.arrived[-1]) == [("insert", 1, 1), ("insert", 2, 50)]
    assert b"777" not in body

    endpoint.status = 500
    put_usage(2, 50, 3)
    while not (dead := strata("dead-letters", "list", "acme", "--json").document):
        strata("deliver", "--once")
    assert (dead[0]["failure"], dead[0]["attempts"]) == ("server_error", 2)
    shown = strata("dead-letters", "show", f"acme/{dead[0]['delivery_id']}", "--json").document
    assert [attempt["status_code"] for attempt in shown["attempts"]] == [500, 500]

    endpoint.status = 204
    assert strata("dead-letters", "replay", "acme", "--json").document == {"deliveries": 1}
    strata("deliver", "--once")
    assert changed(endpoint.arrived[-1]) == [("update", 1, 2), ("insert", 3, 3)]
    assert endpoint.arrived[-1][0]["webhook-id"] == endpoint.arrived[-2][0]["webhook-id"] == dead[0]["delivery_id"]
    assert strata("dead-letters", "list", "acme", "--json").document == []


def test_what_a_dead_letter_did_not_bring_comes_with_the_next_delivery(
    strata: Strata, endpoint: type[Endpoint]
) -> None:
    register(strata, endpoint)
    strata("registration", "send", "acme/bi-usage")
    strata("deliver", "--once")
    endpoint.status = 404
    put_usage(2, 50)
    strata("deliver", "--once")
    (waiting,) = strata("deliveries", "list", "acme", "--state", "waiting", "--json").document
    strata("deliveries", "cancel", f"acme/{waiting['delivery_id']}")
    endpoint.status = 204
    put_usage(2, 60)
    strata("deliver", "--once")
    assert changed(endpoint.arrived[-1]) == [("update", 1, 2), ("update", 2, 60)]


def test_a_paused_registration_waits_and_misses_nothing(strata: Strata, endpoint: type[Endpoint]) -> None:
    register(strata, endpoint)
    strata("registration", "pause", "acme/bi-usage", "--reason", "moving house")
    put_usage(5, 50)
    strata("deliver", "--once")
    assert [headers["webhook-id"][:5] for headers, _ in endpoint.arrived] == ["test_"]
    shown = strata("registration", "show", "acme/bi-usage", "--json").document
    assert (shown["state"], shown["reason"]) == ("paused", "moving house")
    (held,) = strata("deliveries", "list", "acme", "--json").document
    assert (held["due_at"], held["held"]) == (None, "the registration is paused")
    listed = strata("deliveries", "list", "acme").out
    assert f"acme/{held['delivery_id']}" in listed
    assert "2286" not in listed + strata("deliveries", "show", f"acme/{held['delivery_id']}").out
    strata("registration", "resume", "acme/bi-usage")
    strata("deliver", "--once")
    assert changed(endpoint.arrived[-1]) == [("insert", 1, 5), ("insert", 2, 50)]


def test_a_registration_comes_from_a_file_and_is_changed_by_options(
    strata: Strata, endpoint: type[Endpoint], tmp_path: Path
) -> None:
    file = tmp_path / "usage.yaml"
    file.write_text(
        "consumer: bi\nevents: [gold.table.updated]\ntables: [gold.usage]\nchannel: webhook\n"
        f"settings: {{url: '{endpoint.url}'}}\nterms: {{quiet_seconds: 60}}\n",
        encoding="utf-8",
    )
    assert strata("registration", "add", "acme/usage", "--file", str(file)).code == 0
    assert strata("registration", "change", "acme/usage", "--term", "priority=1").code == 0
    terms = strata("registration", "show", "acme/usage", "--json").document["terms"]
    assert (terms["quiet_seconds"], terms["priority"]) == (60, 1)
    file.write_text("consumer: bi\nevent: x\n", encoding="utf-8")
    answer = strata("registration", "add", "acme/other", "--file", str(file))
    assert answer.code != 0
    assert "usage.yaml" in answer.err
    assert "event" in answer.err


def test_a_consumer_with_registrations_stays_and_one_without_goes(strata: Strata, endpoint: type[Endpoint]) -> None:
    register(strata, endpoint)
    assert "registered 1 time" in strata("consumer", "remove", "acme/bi").err
    strata("registration", "remove", "acme/bi-usage")
    assert strata("consumer", "remove", "acme/bi").code == 0
    assert strata("consumer", "list", "--json").document == []


def test_a_tenants_key_looks_after_its_own_deliveries_alone(
    strata: Strata, endpoint: type[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(strata, endpoint)
    made = strata("key", "create", "globex", "portal", "--scope", "delivery", "--json").document
    monkeypatch.setenv("STRATA_KEY", made["secret"])
    assert strata("registration", "list", "--json").document == []
    for command in (("registration", "show", "acme/bi-usage"), ("deliveries", "list", "acme"),
                    ("dead-letters", "replay", "acme")):  # fmt: skip
        answer = strata(*command)
        assert answer.code != 0
        assert "bi-usage" not in answer.out


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (("consumer", "add", "bi", "--contact", "x"), "TENANT/NAME"),
        (("consumer", "add", "acme/BI!", "--contact", "x"), "no name"),
        (("registration", "show", "acme/none"), "no registration 'none'"),
        (("registration", "add", "acme/x", "--consumer", "bi", "--event", "load.failed", "--channel", "webhook",
          "--set", "url"), "not name=value"),
        (("registration", "add", "acme/x", "--event", "load.failed"), "--consumer NAME (or consumer: in the file)"),
        (("registration", "change", "acme/x"), "Name what changes"),
        (("deliveries", "replay", "acme"), "Name a delivery, --registration or --since"),
        (("deliveries", "list", "--since", "yesterday"), "no time"),
        (("deliveries", "show", "acme/msg_none"), "no delivery"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_told_in_words(strata: Strata, command: tuple[str, ...], fault: str) -> None:
    answer = strata(*command)
    assert answer.code != 0
    assert fault in " ".join(answer.err.replace("│", " ").split())


def test_a_change_takes_back_what_was_there(strata: Strata, endpoint: type[Endpoint]) -> None:
    register(strata, endpoint, "--where", "seats>=2", "--column", "seats", "--term", "quiet_seconds=60",
             "--term", "retries=5,300", "--set", "largest_body=5000", "--title", "Usage")  # fmt: skip
    said = strata("registration", "show", "acme/bi-usage").out
    assert "retries=5,300," in said
    assert "quiet_seconds=60," in said
    answer = strata("registration", "change", "acme/bi-usage", "--where", "", "--column", "", "--title", "",
                    "--term", "quiet_seconds=", "--term", "retries=", "--set", "largest_body=")  # fmt: skip
    assert answer.code == 0, answer.err
    now = strata("registration", "show", "acme/bi-usage", "--json").document
    assert (now["where"], now["columns"], now["title"]) == ([], [], "bi-usage")
    assert (now["terms"]["quiet_seconds"], len(now["terms"]["retries"])) == (0, 7)
    assert now["settings"]["largest_body"] != "5000"


def test_another_channel_begins_without_the_settings_of_the_one_before(
    strata: Strata, endpoint: type[Endpoint]
) -> None:
    register(strata, endpoint, "--set", 'headers={"X-Team": "bi"}')
    assert strata("registration", "change", "acme/bi-usage", "--channel", "feed").code == 0
    now = strata("registration", "show", "acme/bi-usage", "--json").document
    assert (now["channel"], set(now["settings"])) == ("feed", {"keep_days"})
    answer = strata("registration", "change", "acme/bi-usage", "--channel", "webhook")
    assert "webhook needs url" in answer.err
    again = strata("registration", "change", "acme/bi-usage", "--channel", "webhook", "--set", f"url={endpoint.url}")
    assert again.code == 0, again.err
    assert "x-team" not in endpoint.arrived[-1][0]


def test_what_fails_says_that_nothing_came_of_it(
    strata: Strata, endpoint: type[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.status = 500
    options = ("--consumer", "bi", "--event", "load.failed", "--channel", "webhook", "--set", f"url={endpoint.url}")
    answer = strata("registration", "add", "acme/loads", *options)
    assert answer.code != 0
    assert "--no-test" in answer.err
    assert answer.err.rstrip().endswith("Nothing was registered.")
    assert strata("registration", "list", "--json").document == []
    assert strata("registration", "add", "acme/loads", *options, "--no-test").code == 0
    assert " event " in strata("registration", "list").out

    answer = strata("registration", "change", "acme/loads", "--set", "colour=red")
    assert "previous_" not in answer.err
    assert "--no-test" not in answer.err
    assert answer.err.rstrip().endswith("Nothing was changed.")

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.delivery.registering.registering.try_out", broken_off)
    answer = strata("registration", "change", "acme/loads", "--title", "x")
    assert (answer.code, answer.err.strip()) == (130, "Nothing was changed.")


def test_what_is_sent_to_a_paused_registration_is_said_to_wait(strata: Strata, endpoint: type[Endpoint]) -> None:
    register(strata, endpoint)
    strata("registration", "pause", "acme/bi-usage")
    said = strata("registration", "send", "acme/bi-usage").out
    assert "is paused: 1 delivery will wait until it is resumed" in said
    strata("registration", "resume", "acme/bi-usage")
    strata("deliver", "--once")
    assert changed(endpoint.arrived[-1]) == [("insert", 1, 1), ("insert", 2, 50)]


def test_a_list_of_registrations_breaks_no_word_at_80_columns(
    strata: Strata, endpoint: type[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(strata, endpoint)
    monkeypatch.setattr("orchestration.cli.console.results._width", 80)
    said = strata("registration", "list").out.split()
    assert {"acme/bi-usage", "gold.rows.changed", "gold.usage", "changes", "webhook", "active"} <= set(said)


def test_a_tenants_key_names_no_secret_of_the_platform(
    strata: Strata, endpoint: type[Endpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = strata("key", "create", "acme", "portal", "--scope", "delivery", "--json").document
    monkeypatch.setenv("STRATA_KEY", made["secret"])
    pepper = tmp_path / "home" / "control" / "key_pepper"
    assert pepper.exists()
    answer = strata("registration", "add", "acme/x", "--consumer", "bi", "--event", "load.failed", "--channel",
                    "webhook", "--set", f"url={endpoint.url}", "--secret", f"authorization=file:{pepper}")  # fmt: skip
    assert answer.code != 0
    assert "authorization names a place that a tenant's key may not name" in answer.err
    assert endpoint.arrived == []
