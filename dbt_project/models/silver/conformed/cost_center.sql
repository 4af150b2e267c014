{#- Of several connections that name one, the first by name counts. -#}
with ranked as (
    select
        _tenant_id,
        cost_center,
        cost_center_name,
        row_number() over (partition by _tenant_id, cost_center order by _connection) as place
    from {{ ref('accounting_cost_center') }}
    where is_deleted = {{ x_false() }}
)

select
    -- keys
    _tenant_id,
    cost_center,

    -- facts
    cost_center_name
from ranked
where place = 1
