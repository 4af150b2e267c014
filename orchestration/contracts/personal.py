"""What a contract says of a personal column: the form in which silver shows it, and why where that is the plain one."""

from __future__ import annotations

from open_data_contract_standard.model import CustomProperty, SchemaProperty

from orchestration.contracts.model import PiiForm
from orchestration.contracts.types import ColumnType

PROPERTY = "pii"
MARK = "pii"
# Types whose values every engine writes as the same text, so that their digests are the same too.
_HASHED = frozenset({"text", "json", "uuid", "date", "smallint", "integer", "bigint"})


def pii_form(prop: SchemaProperty, kind: ColumnType) -> PiiForm:
    """Return the form that a column's ``pii`` property asks for; ``hash`` where it has none.

    Raises:
        ValueError: the property lacks its mark or its reason, says something unknown, or does not fit the type.
    """
    entry = next((entry for entry in prop.customProperties or [] if entry.property == PROPERTY), None)
    if prop.classification != MARK:
        if entry:
            msg = f"column {prop.name!r}: the property pii needs classification: pii beside it"
            raise ValueError(msg)
        return PiiForm.HASH
    form = _form(prop, entry)
    if fault := _misfit(form, kind):
        msg = f"column {prop.name!r}: {fault}"
        raise ValueError(msg)
    return form


def _form(prop: SchemaProperty, entry: CustomProperty | None) -> PiiForm:
    if entry is None:
        return PiiForm.HASH
    known = [item.value for item in PiiForm]
    if entry.value not in known:
        msg = f"column {prop.name!r}: pii: {entry.value!r} is unknown; known are {', '.join(known)}"
        raise ValueError(msg)
    form = PiiForm(entry.value)
    if form is PiiForm.CLEAR and not (entry.description or "").strip():
        msg = f"column {prop.name!r}: pii: clear needs its reason, as the property's description"
        raise ValueError(msg)
    return form


def _misfit(form: PiiForm, kind: ColumnType) -> str:
    """Say why a type cannot take a form; empty when it can."""
    if form is PiiForm.MASK and kind.kind != "text":
        return f"pii: mask is for text, not for {kind}; write hash, or clear with its reason"
    if form is PiiForm.HASH and kind.kind not in _HASHED:
        return (
            f"pii: hash is not for {kind}; write clear with its reason, and where there is none keep it out of silver"
        )
    return ""
