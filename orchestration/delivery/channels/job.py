"""The job channel: an event of one product loads a source of another, for the registration's tenant.

The load runs under the delivery's id, so that another attempt loads only what failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast, get_args

from orchestration.bronze.admission import Stopped
from orchestration.bronze.ledger import FAILED, LoadResult
from orchestration.bronze.load import load_source
from orchestration.contracts.source import Mode, SourceSystem
from orchestration.control.registry import registered_tenants
from orchestration.delivery import registry
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, Message, Receipt
from orchestration.delivery.channels.given import NothingMade, require_words, words
from orchestration.delivery.circles import refuse_circle
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.failures import POLICIES, FailureClass, SettingsError, StrataError
from orchestration.runtime import Runtime


class JobSender:
    """Runs a load for each message."""

    def __init__(self, endpoint: Endpoint, runtime: Runtime) -> None:
        """Load nothing yet."""
        self._endpoint, self._runtime = endpoint, runtime

    async def send(self, message: Message) -> Receipt:
        """Load what the registration names; of a trial, only look whether that could be done.

        Raises:
            DeliveryFailed: something was not loaded.
            SettingsError: the job would start itself.
        """
        return await asyncio.to_thread(self._trial if message.is_trial else self._run, message)

    async def close(self) -> None:
        """Nothing is held."""

    def _trial(self, _: Message) -> Receipt:
        source = self._source()
        self._require_connection(source)
        return Receipt(detail=f"{source.name} can be loaded; nothing was.")

    def _run(self, message: Message) -> Receipt:
        source = self._source()
        self._require_connection(source)
        self._require_no_circle()
        tenant, name = self._endpoint.tenant, self._endpoint.registration_id
        try:
            results = load_source(
                self._runtime,
                source,
                cast("Mode", self._endpoint.get("mode") or "hourly"),
                entities=words(self._endpoint.get("entities")) or None,
                tenants=[tenant],
                who=f"delivery/{name}",
                run_id=message.delivery_id,
            )
        except Stopped as error:
            raise DeliveryFailed(DeliveryFailure.SUSPENDED, error.message, error.remedy) from None
        except StrataError as error:
            raise _failed(error.failure_class, error.message, error.remedy) from None
        return Receipt(detail=_told(source, results))

    def _source(self) -> SourceSystem:
        name = self._endpoint.get("source")
        source = self._runtime.sources.get(name)
        if source is None:
            known = ", ".join(sorted(self._runtime.sources))
            raise DeliveryFailed(DeliveryFailure.SETTINGS, f"There is no source {name!r}.", f"There are: {known}.")
        for entity in words(self._endpoint.get("entities")):
            if entity not in source.contracts and entity not in source.faults:
                known = ", ".join(sorted(source.contracts))
                text = f"{name} has no entity {entity!r}."
                raise DeliveryFailed(DeliveryFailure.SETTINGS, text, f"Its entities: {known}.")
        return source

    def _require_connection(self, source: SourceSystem) -> None:
        tenant = self._endpoint.tenant
        if not any(True for _ in self._runtime.registered(source.name, [tenant])):
            text = f"Tenant {tenant!r} has no connection to {source.name}: there is nothing to load."
            remedy = f"strata tenant connect {tenant} {source.name}=environment"
            raise DeliveryFailed(DeliveryFailure.SETTINGS, text, remedy)

    def _require_no_circle(self) -> None:
        """Ask again at each run: jobs that were registered later may have closed a circle."""
        tenant = self._endpoint.tenant
        with self._runtime.control.reading(tenant) as connection:
            wish = registry.find(connection, (tenant, self._endpoint.registration_id))
        refuse_circle(self._runtime, wish)


def _told(source: SourceSystem, results: Sequence[LoadResult]) -> str:
    """Say what was loaded.

    Raises:
        DeliveryFailed: something was not; of several failures one that may pass counts, so that it is tried again.
    """
    failed = [result for result in results if result.status == FAILED]
    if failed:
        first = max(failed, key=lambda result: POLICIES[_class(result)].retries)
        labels = ", ".join(f"{result.source}/{result.entity}" for result in failed)
        raise _failed(_class(first), f"Not loaded: {labels}. {first.message}", "See: strata status")
    changed = sum(result.inserted + result.updated + result.deleted for result in results)
    entities = ", ".join(sorted({result.entity for result in results})) or "nothing that was not loaded before"
    return f"{source.name}: {entities}; {changed:,} rows changed"


def _class(result: LoadResult) -> FailureClass:
    return FailureClass(result.failure_class or FailureClass.PERMANENT)


def _failed(kind: FailureClass, text: str, remedy: str) -> DeliveryFailed:
    """Return a failure that is tried again if loads of its class are."""
    may_pass = POLICIES[kind].retries > 0
    return DeliveryFailed(DeliveryFailure.SERVER_ERROR if may_pass else DeliveryFailure.SETTINGS, text, remedy)


class JobChannel(NothingMade):
    """A load of this platform as a target."""

    payloads = frozenset({"reference"})
    settings: Mapping[str, ChannelSetting] = {
        "source": ChannelSetting("The source system to load.", required=True, example="salesforce"),
        "mode": ChannelSetting("hourly: what changed; daily: everything.", default="hourly"),
        "entities": ChannelSetting("Some of its entities; empty: all.", example="account,contract"),
    }

    def address(self, settings: Mapping[str, str]) -> str:
        """Return the source."""
        return f"job:{settings.get('source', '')}"

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can never work.

        Raises:
            SettingsError: names the setting and what to write instead.
        """
        if not settings.get("source", "").strip():
            raise SettingsError("The setting source is empty.", "Name a source system: see strata sources.")
        modes = [mode for mode in get_args(Mode) if mode != "init"]
        require_words("mode", [settings.get("mode") or "hourly"], modes)

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> JobSender:
        """Return a sender that knows the tenants and their connections as they are now."""
        tenants = await asyncio.to_thread(registered_tenants, runtime.settings, runtime.sources)
        return JobSender(endpoint, replace(runtime, tenants=tenants))


CHANNEL: Channel = JobChannel()
