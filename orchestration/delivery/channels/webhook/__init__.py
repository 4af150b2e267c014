"""The webhook channel: signed POSTs over HTTPS by Standard Webhooks 1.0.0, to public addresses alone."""

from orchestration.delivery.channels.webhook.webhook_channel import CHANNEL

__all__ = ["CHANNEL"]
