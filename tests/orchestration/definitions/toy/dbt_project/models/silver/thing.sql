select _tenant_id, id, name, amount from {{ source('bronze_toy', 'item') }} where _deleted_at is null
