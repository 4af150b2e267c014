"""The one place that reads for a tenant.

Whoever asks (a command, a key, later the API) asks :class:`TenantAccess`: it knows the
tenant and the principal, reads the tenant's state at each call, and gives out that
tenant's rows, loads, alerts and rejects alone.
"""

from orchestration.access.comparison import Comparison
from orchestration.access.principal import Permission, Principal, operator
from orchestration.access.rows import Question
from orchestration.access.tenant_access import TenantAccess

__all__ = ["Comparison", "Permission", "Principal", "Question", "TenantAccess", "operator"]
