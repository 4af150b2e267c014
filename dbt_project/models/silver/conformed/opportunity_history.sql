{#- Entries that only changed an amount or a date are left out: an entry is the way into another stage. -#}
with entry as (
    select
        _tenant_id,
        opportunity_history_key,
        opportunity_key,
        stage_name,
        amount,
        probability,
        close_date,
        created_at,
        lag(stage_name) over (
            partition by _tenant_id, opportunity_key order by created_at, opportunity_history_key
        ) as stage_before
    from {{ ref('salesforce_opportunity_history') }}
    where is_deleted = {{ x_false() }}
),

stage as (
    select
        _tenant_id,
        opportunity_history_key,
        opportunity_key,
        stage_name,
        stage_before,
        amount,
        probability,
        close_date,
        created_at,
        row_number() over (
            partition by _tenant_id, opportunity_key order by created_at, opportunity_history_key
        ) as stage_number,
        lead(created_at) over (
            partition by _tenant_id, opportunity_key order by created_at, opportunity_history_key
        ) as left_at
    from entry
    where stage_before is null or stage_before <> stage_name
)

select
    -- keys
    stage._tenant_id,
    stage.opportunity_history_key,
    stage.opportunity_key,
    opportunity.customer_key,

    -- facts
    opportunity.opportunity_type,
    {{ x_integer('stage.stage_number') }} as stage_number,
    stage.stage_before,
    stage.stage_name,
    stage.amount,
    opportunity.currency,
    stage.probability,

    -- times
    cast(stage.created_at as date) as entered_on,
    cast(stage.left_at as date) as left_on,
    stage.close_date
from stage
inner join {{ ref('opportunity') }} as opportunity
    on opportunity._tenant_id = stage._tenant_id and opportunity.opportunity_key = stage.opportunity_key
