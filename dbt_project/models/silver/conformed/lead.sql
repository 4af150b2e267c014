select
    -- keys
    lead_record._tenant_id,
    lead_record.lead_key,
    customer_match.customer_key,
    lead_record.converted_opportunity_key as opportunity_key,
    lead_record.owner_key,

    -- facts
    lead_record.company_name,
    lead_record.country,
    {{ segment('lead_record.number_of_employees') }} as segment,
    lead_record.lead_status,
    lead_record.lead_source,
    lead_record.is_converted,

    -- times
    cast(lead_record.created_at as date) as created_on,
    lead_record.converted_on
from {{ ref('salesforce_lead') }} as lead_record
left join {{ ref('customer_match') }} as customer_match
    on customer_match._tenant_id = lead_record._tenant_id
    and customer_match.account_key = lead_record.converted_account_key
where lead_record.is_deleted = {{ x_false() }}
