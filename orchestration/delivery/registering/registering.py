"""Takes a wish into the control plane: checks it, makes and seals its secrets, tries it, and writes it down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from orchestration.access.admission import admit
from orchestration.access.principal import Permission, Principal
from orchestration.control.actor import current_actor
from orchestration.control.secrets import require_reference
from orchestration.delivery import registry
from orchestration.delivery.channels.channel import Channel, MadeSecret, Receipt, channel
from orchestration.delivery.circles import refuse_circle
from orchestration.delivery.registering.areas import require_areas
from orchestration.delivery.registering.checking import Checked, check, with_defaults
from orchestration.delivery.registering.trial import try_out
from orchestration.delivery.registering.wish import Wish
from orchestration.delivery.registration import Place, Registration
from orchestration.delivery.sealing import Seal
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Registered:
    """What was written, what the trial brought back, and the secrets that were made, to be shown this once."""

    registration: Registration
    receipt: Receipt | None
    made: Mapping[str, SecretStr]


def require_name(name: str, what: str) -> None:
    """Refuse a name that would not fit a file's name, a header or a command line.

    Raises:
        SettingsError: says which characters fit.
    """
    if not _NAME.fullmatch(name):
        remedy = "Lower-case letters, digits and '-', beginning with a letter; at most 63."
        raise SettingsError(f"{what} {name!r} is no name.", remedy)


def register(
    runtime: Runtime, place: Place, wish: Wish, principal: Principal, *, trial: bool = True, replace_it: bool = False
) -> Registered:
    """Register a wish under a name, or give the registration of that name a new one.

    Raises:
        SettingsError: the wish cannot be kept, the name is taken (unknown, to be replaced), or a tenant's
            principal names secrets or files outside the areas that are its own.
        DeliveryFailed: the trial failed; nothing was written.
    """
    admit(runtime, place[0], principal, Permission.DELIVERY)
    require_name(place[1], "Registration")
    checked = check(runtime, place[0], wish)
    with runtime.control.reading(place[0]) as connection:
        registry.require_consumer(connection, place[0], wish.consumer)
        before = registry.find(connection, place) if replace_it else None
    made, settings = _settings(runtime, place, checked, before)
    wanted = _registration(place, checked, settings, before)
    require_areas(runtime.settings.delivery_secret_areas, principal, wanted, before)
    refuse_circle(runtime, wanted)
    receipt = try_out(runtime, wanted) if trial else None
    with runtime.control.transaction(current_actor(), place[0]) as connection:
        if before:
            registry.change(connection, wanted)
        else:
            registry.add(connection, wanted)
    return Registered(wanted, receipt, {name: item.shown for name, item in made.items()})


def rotate_secrets(runtime: Runtime, place: Place, principal: Principal, overlap_hours: float) -> Registered:
    """Make a registration's signing key anew; the former one signs as well until the overlap ends.

    Raises:
        SettingsError: the registration is unknown, or its channel has no key that the platform makes.
    """
    admit(runtime, place[0], principal, Permission.DELIVERY)
    seal = Seal(runtime.settings, runtime.control)
    with runtime.control.transaction(current_actor(), place[0]) as connection:
        before = registry.find(connection, place)
        found = channel(before.channel)
        plain = {name: str(kept["value"]) for name, kept in before.settings.items() if "value" in kept}
        made = {name: found.make(name, plain) for name, item in found.settings.items() if item.made}
        if not made:
            raise SettingsError(
                f"{before.label}: {before.channel} has no key to rotate.", "Change its secrets instead."
            )
        ends = datetime.now(UTC) + timedelta(hours=overlap_hours)
        settings = dict(before.settings) | {"previous_until": {"value": ends.isoformat(timespec="seconds")}}
        for name, item in made.items():
            settings[f"previous_{name}"] = _moved(seal, place, name, before.settings.get(name))
            settings[name] = {"sealed": seal.close(item.value.get_secret_value(), place, name)}
        wanted = replace(before, settings={name: kept for name, kept in settings.items() if kept})
        registry.change(connection, wanted)
    return Registered(wanted, None, {name: item.shown for name, item in made.items()})


def _moved(seal: Seal, place: Place, name: str, kept: dict[str, Any] | None) -> dict[str, Any]:
    """Keep a former value under its new name, to which its seal is bound."""
    if kept is None or "sealed" not in kept:
        return kept or {}
    value = seal.open(kept["sealed"], place, name).get_secret_value()
    return {"sealed": seal.close(value, place, f"previous_{name}")}


def _registration(
    place: Place, checked: Checked, settings: dict[str, dict[str, Any]], before: Registration | None
) -> Registration:
    wish = checked.wish
    plain = with_defaults(checked.channel, wish.settings)
    fresh = Registration(
        tenant=place[0],
        registration_id=place[1],
        consumer=wish.consumer,
        title=wish.title or place[1],
        events=wish.events,
        tables=checked.tables,
        columns=wish.columns,
        where=wish.where,
        payload=wish.payload,
        format=wish.format,
        channel=wish.channel,
        settings=settings,
        endpoint=registry.endpoint_id(wish.channel, checked.channel.address(plain)),
        terms=wish.terms,
    )
    return replace(fresh, state=before.state, reason=before.reason) if before else fresh


def _settings(
    runtime: Runtime, place: Place, checked: Checked, before: Registration | None
) -> tuple[dict[str, MadeSecret], dict[str, dict[str, Any]]]:
    """Return the secrets that were made now, and all settings as they are kept."""
    wish = checked.wish
    plain = with_defaults(checked.channel, wish.settings)
    kept: dict[str, dict[str, Any]] = {name: {"value": value} for name, value in plain.items()}
    kept |= {name: {"reference": require_reference(reference)} for name, reference in wish.secrets.items()}
    made = {
        name: checked.channel.make(name, plain)
        for name in _to_make(checked.channel, kept)
        if not (before and before.channel == wish.channel and "sealed" in before.settings.get(name, {}))
    }
    if before and before.channel == wish.channel:
        # What the platform keeps for the consumer: keys that it made, and how long the one before holds.
        internal = {name for name, item in checked.channel.settings.items() if item.internal}
        own = {name: value for name, value in before.settings.items() if "sealed" in value or name in internal}
        kept |= {name: value for name, value in own.items() if name not in kept}
    if made:
        seal = Seal(runtime.settings, runtime.control)
        kept |= {
            name: {"sealed": seal.close(item.value.get_secret_value(), place, name)} for name, item in made.items()
        }
    return made, kept


def _to_make(channel: Channel, kept: Mapping[str, Any]) -> list[str]:
    return [name for name, item in channel.settings.items() if item.made and name not in kept]
