select
    -- keys
    _tenant_id,
    budget_month,
    cost_center,
    account,

    -- facts
    {{ x_decimal('sum(amount)') }} as amount
from {{ ref('accounting_budget') }}
where is_deleted = {{ x_false() }}
group by _tenant_id, budget_month, cost_center, account
