"""Masks what no error, alert, log or audit trail may show: credentials and e-mail addresses.

Our own words carry neither; a driver's or a server's text, quoted in an error, may.
"""

from __future__ import annotations

import re

_MASK = "***"
_RULES = (
    (re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE), r"\g<keep>***@"),
    (
        re.compile(
            r"(?P<keep>\b(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret|assertion)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+",
            re.IGNORECASE,
        ),
        r"\g<keep>***",
    ),
    (re.compile(r"(?P<keep>\bBearer\s+)[^\s\"',;]+", re.IGNORECASE), r"\g<keep>***"),
    (re.compile(r"\b(?P<keep>strata_[0-9a-f]{16}\.)[A-Za-z0-9_-]{16,}"), r"\g<keep>***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), _MASK),
    (re.compile(r"[\w.!#$%&'+=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"), _MASK),
)


def redact(text: str) -> str:
    """Return the text with every credential and e-mail address masked."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
