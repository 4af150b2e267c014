with stage as (
    select
        _tenant_id,
        opportunity_key,
        count(*) as stage_changes,
        max(created_at) as stage_changed_at
    from {{ ref('salesforce_opportunity_history') }}
    where is_deleted = {{ x_false() }}
    group by _tenant_id, opportunity_key
)

select
    -- keys
    opportunity._tenant_id,
    opportunity.opportunity_key,
    customer_match.customer_key,
    opportunity.account_key,
    opportunity.owner_key,

    -- facts
    opportunity.opportunity_name,
    opportunity.stage_name,
    opportunity.opportunity_type,
    opportunity.amount,
    opportunity.currency,
    opportunity.probability,
    opportunity.is_closed,
    opportunity.is_won,
    coalesce(stage.stage_changes, 0) as stage_changes,

    -- times
    opportunity.close_date,
    stage.stage_changed_at,
    opportunity.created_at,
    opportunity.updated_at
from {{ ref('salesforce_opportunity') }} as opportunity
left join {{ ref('customer_match') }} as customer_match
    on customer_match._tenant_id = opportunity._tenant_id and customer_match.account_key = opportunity.account_key
left join stage
    on stage._tenant_id = opportunity._tenant_id and stage.opportunity_key = opportunity.opportunity_key
where opportunity.is_deleted = {{ x_false() }}
