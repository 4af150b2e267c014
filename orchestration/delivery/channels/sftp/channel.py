"""The SFTP channel: its settings, and what is refused of them before anything connects."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.delivery.channels.addresses import AddressGuard
from orchestration.delivery.channels.channel import Channel, ChannelSetting, Endpoint, Sender
from orchestration.delivery.channels.given import NothingMade, require_host, require_port, require_words, words
from orchestration.delivery.channels.sftp import names
from orchestration.delivery.channels.sftp.host_keys import read_host_keys
from orchestration.runtime import Runtime

_COMPANIONS = ("sha256", "manifest", "trigger")
_WORDS = {"compression": ("none", "gzip"), "flush": ("no", "yes")}


class SftpChannel(NothingMade):
    """Files over SFTP."""

    payloads = frozenset({"reference", "changes", "snapshot"})
    settings: Mapping[str, ChannelSetting] = {
        "host": ChannelSetting("The server.", required=True, example="files.example.com"),
        "port": ChannelSetting("Its port.", default="22"),
        "user": ChannelSetting("Who logs in.", required=True, example="acme"),
        "host_key": ChannelSetting(
            "The server's public key, or its fingerprint; another key is refused.",
            required=True,
            example="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA…",
        ),
        "key": ChannelSetting("The private key.", secret=True, example="file:/run/secrets/acme_sftp_key"),
        "passphrase": ChannelSetting("The private key's passphrase.", secret=True),
        "password": ChannelSetting("The password, where there is no key.", secret=True),
        "folder": ChannelSetting("Where files are put; empty: where the user begins.", example="in/reports"),
        "name": ChannelSetting("What files are called.", default=names.DEFAULT, example="{table}-{time}.{extension}"),
        "compression": ChannelSetting("none or gzip.", default="none"),
        "companions": ChannelSetting(
            "What is put beside each file, after it: sha256, manifest, trigger.", example="sha256,trigger"
        ),
        "flush": ChannelSetting("yes: a file is on the server's disk before it gets its name.", default="no"),
    }

    def address(self, settings: Mapping[str, str]) -> str:
        """Return server, port and user: what one connection serves."""
        return f"sftp://{settings.get('user', '')}@{settings.get('host', '')}:{settings.get('port') or 22}"

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse settings that can never work.

        Raises:
            SettingsError: names the setting and what to write instead.
        """
        require_host(settings.get("host", ""))
        require_port(settings.get("port") or "22")
        read_host_keys(settings.get("host_key", ""))
        names.check_folder(settings.get("folder", ""))
        names.check_name(settings.get("name") or names.DEFAULT)
        for name, known in _WORDS.items():
            require_words(name, [settings.get(name) or known[0]], known)
        require_words("companions", words(settings.get("companions", "")), _COMPANIONS)

    async def open(self, endpoint: Endpoint, runtime: Runtime) -> Sender:
        """Return a sender that connects with its first message."""
        from orchestration.delivery.channels.sftp.sender import SftpSender  # noqa: PLC0415 - paramiko, for who sends

        return SftpSender(endpoint, AddressGuard.of(runtime.settings))


CHANNEL: Channel = SftpChannel()
