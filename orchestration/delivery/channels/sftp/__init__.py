"""The way out over SFTP: files that appear whole or not at all, on servers whose key is pinned."""

from orchestration.delivery.channels.sftp.channel import CHANNEL

__all__ = ["CHANNEL"]
