"""The masking of texts, under the name by which alerts know it; it lives where errors can use it too."""

from orchestration.redaction import redact

__all__ = ["redact"]
