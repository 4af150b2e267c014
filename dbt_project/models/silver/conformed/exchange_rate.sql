{#- Of several connections that quote a day, the first by name counts. -#}
with ranked as (
    select
        _tenant_id,
        base_currency,
        quote_currency,
        rate_date,
        exchange_rate,
        row_number() over (
            partition by _tenant_id, base_currency, quote_currency, rate_date order by _connection
        ) as place
    from {{ ref('product_exchange_rate') }}
    where is_deleted = {{ x_false() }}
)

select
    -- keys
    _tenant_id,
    base_currency,
    quote_currency,
    rate_date,

    -- facts
    exchange_rate
from ranked
where place = 1
