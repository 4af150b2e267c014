"""What a webhook's settings may be: wrong ones are refused when they are registered, by name and without secrets."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.delivery.channels.channel import channel
from orchestration.delivery.channels.webhook.headers import custom_headers
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.failures import SettingsError
from orchestration.runtime import open_runtime
from orchestration.settings import load_settings

from .webhook_scenes import MESSAGE, endpoint, receiving

GOOD = {"url": "https://hooks.example.com/strata"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "https://",
        "https://:443/",
        "https://user:canary@hooks.example.com/",
        "https://user@hooks.example.com/",
        "https://{token}.example.com/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/" + "x" * 2048,
        "https://127.1/",
        "https://0x7f000001/",
        "https://[fe80::1",
    ],
)
def test_an_address_that_can_never_work_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^url: ") as caught:
        channel("webhook").check({"url": url})
    assert "canary" not in str(caught.value)


@given(st.text(max_size=100))
@example("https://a.example/\N{RIGHT-TO-LEFT OVERRIDE}")
def test_any_other_text_is_taken_or_refused_in_words(text: str) -> None:
    for url in (text, f"https://{text}", f"https://hooks.example.com/{text}"):
        try:
            channel("webhook").check({"url": url})
        except SettingsError:
            continue
        assert channel("webhook").address({"url": url}).startswith(("http://", "https://"))


def test_endpoints_are_told_apart_by_their_address_without_its_query() -> None:
    webhook = channel("webhook")
    addresses = {
        webhook.address({"url": url})
        for url in (
            "https://A.example.com/x?sig=1",
            "https://a.example.com:443/x?sig=2#part",
            "https://a.example.com/x",
        )
    }
    assert addresses == {"https://a.example.com/x"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"headers": "X-Team: bi"}, "headers"),
        ({"headers": '{"X-Team": 1}'}, "headers"),
        ({"headers": '{"Content-Length": "1"}'}, "Content-Length"),
        ({"headers": '{"WEBHOOK-ID": "msg_x"}'}, "WEBHOOK-ID"),
        ({"headers": '{"Authorization": "Bearer canary"}'}, "authorization"),
        ({"largest_body": "0"}, "largest_body"),
        ({"largest_body": "a lot"}, "largest_body"),
        ({"largest_body": "16000001"}, "largest_body"),
        ({"scheme": "md5"}, "scheme"),
        ({"previous_until": "tomorrow"}, "previous_until"),
        ({"previous_until": "2026-12-01T00:00:00"}, "previous_until"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_repeated(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        channel("webhook").check({**GOOD, **settings})
    assert named in str(caught.value)
    assert "canary" not in str(caught.value)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), min_size=1))
@example({"X-Team": "bi\r\nHost: evil"})
@example({"X-Team\r\nHost": "bi"})
@example({"X-Team": "bi\x00"})
def test_no_header_that_is_taken_holds_what_would_begin_another(headers: dict[str, str]) -> None:
    try:
        taken = custom_headers(msgspec.json.encode(headers).decode())
    except SettingsError:
        return
    assert all(text.isascii() and text.isprintable() for pair in taken.items() for text in pair)
    assert not any(":" in name or " " in name or not name for name in taken)


@pytest.mark.parametrize(
    ("key", "settings", "told"),
    [
        ("", {}, "no signing_key"),
        ("canary", {}, "cannot be read"),
        ("whsec_" + "A" * 40, {"authorization": "Bearer canary\r\nHost: evil"}, "authorization"),
        ("whsec_" + "A" * 40, {"url": "https://hooks.example.com/{token}"}, "token"),
    ],
)
def test_a_wrong_secret_is_a_permanent_failure_that_does_not_repeat_it(
    key: str, settings: dict[str, str], told: str, tmp_path: Path
) -> None:
    runtime = open_runtime(load_settings(home=tmp_path))
    url = settings.pop("url", GOOD["url"])
    with pytest.raises(DeliveryFailed, match=told) as caught:
        asyncio.run(channel("webhook").open(endpoint(url, key=key, **settings), runtime))
    assert caught.value.failure is DeliveryFailure.SETTINGS
    assert "canary" not in repr(vars(caught.value))


@pytest.mark.parametrize("allowed", [True, False])
def test_the_operators_setting_decides_whether_a_network_inside_is_reached(allowed: bool, tmp_path: Path) -> None:
    networks = (ip_network("127.0.0.0/8"),) if allowed else ()
    runtime = open_runtime(load_settings(home=tmp_path, delivery_allowed_networks=networks))

    async def run() -> int:
        async with receiving() as receiver:
            way = await channel("webhook").open(endpoint(receiver.url), runtime)
            try:
                await way.send(MESSAGE)
            finally:
                await way.close()
            return len(receiver.arrivals)

    if allowed:
        assert asyncio.run(run()) == 1
        return
    with pytest.raises(DeliveryFailed, match="STRATA_DELIVERY_ALLOWED_NETWORKS") as caught:
        asyncio.run(run())
    assert caught.value.failure is DeliveryFailure.FORBIDDEN_ADDRESS
