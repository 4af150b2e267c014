"""The one place that reads for a tenant.

Whoever asks (a command, a key, later the API) asks :class:`TenantAccess`: it knows the
tenant and the principal, reads the tenant's state at each call, and gives out that
tenant's rows, loads, alerts and rejects alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.access.principal import Permission, Principal, operator

if TYPE_CHECKING:
    from orchestration.access.comparison import Comparison
    from orchestration.access.rows import Question
    from orchestration.access.tenant_access import TenantAccess

__all__ = ["Comparison", "Permission", "Principal", "Question", "TenantAccess", "operator"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whichever of the names it is
    """Bring the readers in when they are first asked for: Arrow and the SQL parser are slow to import."""
    if name not in {"Comparison", "Question", "TenantAccess"}:
        raise AttributeError(name)
    from orchestration.access import comparison, rows, tenant_access  # noqa: PLC0415 - see above

    return next(getattr(module, name) for module in (comparison, rows, tenant_access) if hasattr(module, name))
