{#-
    A booking line has two sides, and a third where tax is split off: by the account that taxes what is posted on it, or
    by the line's tax key. Taxed is the automatic account; with a key the account of the profit and loss statement, or
    else the contra account, which DATEV writes the key before. Gross times p / (100 + p) is rounded to cents, halves up:
    a quotient is floating point on some engines, and the millionth part of a cent keeps a half from falling below itself.
-#}
with keyed as (
    select
        posting._tenant_id,
        posting._connection,
        posting.posting_key,
        posting.chart,
        posting.account,
        posting.contra_account,
        posting.cost_center,
        posting.document_number,
        posting.posting_text,
        posting.base_amount,
        posting.base_currency,
        posting.posted_on,
        posting.account_length,
        case when posting.side = 'S' then 1 else -1 end
            * case when posting.is_reversal = {{ x_true() }} then -1 else 1 end as direction,
        case
            when posting.tax_key like '40%' then null
            else coalesce(posting.tax_key, own.automatic_tax_key, contra.automatic_tax_key)
        end as tax_key,
        case
            when own.automatic_tax_key is not null then 'account'
            when contra.automatic_tax_key is not null then 'contra_account'
            when own.pl_position is not null then 'account'
            else 'contra_account'
        end as taxed_entry
    from {{ ref('accounting_posting') }} as posting
    left join {{ ref('gl_account') }} as own
        on own._tenant_id = posting._tenant_id and own.chart = posting.chart and own.account = posting.account
    left join {{ ref('gl_account') }} as contra
        on contra._tenant_id = posting._tenant_id
        and contra.chart = posting.chart
        and contra.account = posting.contra_account
    where posting.is_deleted = {{ x_false() }}
),

tax_account as (
    select
        _tenant_id,
        chart,
        collects_tax_key as tax_key,
        min(account) as account,
        min(tax_percent) as tax_percent
    from {{ ref('gl_account') }}
    where collects_tax_key is not null
    group by _tenant_id, chart, collects_tax_key
),

taxed as (
    select
        keyed._tenant_id,
        keyed.posting_key,
        keyed.chart,
        keyed.account,
        keyed.contra_account,
        keyed.cost_center,
        keyed.document_number,
        keyed.posting_text,
        keyed.base_amount,
        keyed.base_currency,
        keyed.posted_on,
        keyed.account_length,
        keyed.direction,
        keyed.tax_key,
        keyed.taxed_entry,
        tax_account.account as tax_account,
        coalesce({{ x_decimal(
            'keyed.base_amount * tax_account.tax_percent / (100 + tax_account.tax_percent) + 0.00000001'
        ) }}, 0) as tax_amount
    from keyed
    left join tax_account
        on tax_account._tenant_id = keyed._tenant_id
        and tax_account.chart = keyed.chart
        and tax_account.tax_key = keyed.tax_key
),

entry as (
    select
        _tenant_id, posting_key, 'account' as entry, chart, account, contra_account, cost_center, document_number,
        posting_text, tax_key, base_currency, posted_on, account_length,
        direction * (base_amount - case when taxed_entry = 'account' then tax_amount else 0 end) as amount
    from taxed
    union all
    select
        _tenant_id, posting_key, 'contra_account' as entry, chart, contra_account as account, account as contra_account,
        cost_center, document_number, posting_text, tax_key, base_currency, posted_on, account_length,
        -direction * (base_amount - case when taxed_entry = 'contra_account' then tax_amount else 0 end) as amount
    from taxed
    union all
    select
        _tenant_id, posting_key, 'tax' as entry, chart, tax_account as account,
        case when taxed_entry = 'account' then contra_account else account end as contra_account,
        cost_center, document_number, posting_text, tax_key, base_currency, posted_on, account_length,
        case when taxed_entry = 'account' then direction else -direction end * tax_amount as amount
    from taxed
    where tax_amount <> 0
)

select
    -- keys
    entry._tenant_id,
    entry.posting_key,
    entry.entry,
    entry.chart,
    entry.account,
    entry.contra_account,
    entry.cost_center,
    entry.document_number,

    -- facts
    gl_account.account_name,
    gl_account.pl_position,
    {{ x_flag(dbt.length('entry.account') ~ ' > entry.account_length') }} as is_personal_account,
    entry.posting_text,
    entry.tax_key,
    entry.base_currency as currency,
    {{ x_decimal('entry.amount') }} as amount,
    {{ x_decimal('case when entry.amount > 0 then entry.amount else 0 end') }} as debit_amount,
    {{ x_decimal('case when entry.amount < 0 then -entry.amount else 0 end') }} as credit_amount,
    {{ x_decimal('entry.amount * coalesce(gl_account.account_sign, 1)') }} as report_amount,

    -- times
    entry.posted_on,
    {{ x_month('entry.posted_on') }} as posting_month
from entry
left join {{ ref('gl_account') }} as gl_account
    on gl_account._tenant_id = entry._tenant_id
    and gl_account.chart = entry.chart
    and gl_account.account = entry.account
