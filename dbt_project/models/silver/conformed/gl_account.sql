{#- Of several connections that name one, the first by name counts. -#}
with ranked as (
    select
        _tenant_id,
        chart,
        account,
        account_name,
        pl_position,
        account_sign,
        automatic_tax_key,
        collects_tax_key,
        tax_percent,
        row_number() over (partition by _tenant_id, chart, account order by _connection) as place
    from {{ ref('accounting_chart_of_accounts') }}
    where is_deleted = {{ x_false() }}
)

select
    -- keys
    _tenant_id,
    chart,
    account,

    -- facts
    account_name,
    pl_position,
    account_sign,
    automatic_tax_key,
    collects_tax_key,
    tax_percent
from ranked
where place = 1
