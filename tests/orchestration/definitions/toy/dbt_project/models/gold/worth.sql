select _tenant_id, sum(amount) as worth from {{ ref('thing') }} group by _tenant_id
