select
    -- keys
    change._tenant_id,
    change.subscription_change_key,
    change.subscription_key,
    subscription.customer_key,
    subscription.product_key,

    -- facts
    change.change_type,
    subscription.currency,
    change.quantity_before,
    change.quantity_after,
    change.mrr_before,
    change.mrr_after,
    change.mrr_after - change.mrr_before as mrr_difference,

    -- times
    change.effective_on,
    change.created_at
from {{ ref('product_subscription_change') }} as change
inner join {{ ref('product_subscription') }} as subscription
    on subscription._tenant_id = change._tenant_id and subscription.subscription_key = change.subscription_key
where change.is_deleted = {{ x_false() }} and subscription.is_deleted = {{ x_false() }}
