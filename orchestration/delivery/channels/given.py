"""What the settings of several channels have in common: how they are judged, and that no secret is made for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestration.delivery.channels.channel import MadeSecret
from orchestration.failures import SettingsError


class NothingMade:
    """Of channels whose secrets are all given by people."""

    def make(self, name: str, settings: Mapping[str, str]) -> MadeSecret:  # noqa: ARG002 - of the protocol
        """Refuse: there is nothing to make.

        Raises:
            SettingsError: always.
        """
        raise SettingsError(f"No secret {name!r} is made for this channel.", "Give it by reference, such as env:NAME.")


def require_words(name: str, given: Collection[str], known: Collection[str]) -> None:
    """Refuse words of a setting that are not known.

    Raises:
        SettingsError: names the first of them, and those there are.
    """
    for word in given:
        if word not in known:
            raise SettingsError(f"The setting {name} is {word!r}.", f"Known: {', '.join(known)}.")


def require_port(text: str) -> None:
    """Refuse what is no port.

    Raises:
        SettingsError: says what it is.
    """
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SettingsError(f"The setting port is {text!r}.", "Write a number, such as 22.")


def require_host(text: str) -> None:
    """Refuse what is neither a host's name nor an address: something with a scheme, a path, a port, a user.

    Raises:
        SettingsError: says what it is.
    """
    if not text or any(letter in "/@?#\\" or letter <= " " for letter in text):
        raise SettingsError(f"The setting host is {text!r}.", "Write the name alone, such as files.example.com.")


def words(text: str) -> list[str]:
    """Return what a setting lists with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]
