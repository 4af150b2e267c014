"""What sources sent, kept as sent: written once, committed by a manifest, read again for replay and backfill."""
