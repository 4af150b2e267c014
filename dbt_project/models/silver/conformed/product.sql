with catalogue as (
    select
        _tenant_id,
        product_key,
        sku,
        product_name,
        product_family,
        list_price,
        currency,
        is_active,
        row_number() over (partition by _tenant_id, sku order by created_at, product_key) as place
    from {{ ref('product_product') }}
    where is_deleted = {{ x_false() }}
),

price_book as (
    select
        _tenant_id,
        product2_key,
        product_code,
        product_name,
        product_family,
        is_active,
        row_number() over (partition by _tenant_id, product_code order by created_at, product2_key) as place
    from {{ ref('salesforce_product2') }}
    where is_deleted = {{ x_false() }}
)

select
    -- keys
    coalesce(catalogue._tenant_id, price_book._tenant_id) as _tenant_id,
    coalesce(catalogue.product_key, price_book.product2_key) as product_key,
    price_book.product2_key,
    coalesce(catalogue.sku, price_book.product_code) as sku,

    -- facts
    coalesce(catalogue.product_name, price_book.product_name) as product_name,
    coalesce(catalogue.product_family, price_book.product_family) as product_family,
    catalogue.list_price,
    catalogue.currency,
    coalesce(catalogue.is_active, price_book.is_active) as is_active,
    {{ x_flag('catalogue.product_key is not null') }} as is_in_product,
    {{ x_flag('price_book.product2_key is not null') }} as is_in_salesforce,
    case
        when catalogue.product_key is not null and price_book.product2_key is not null then 'sku'
        else 'unmatched'
    end as match_rule
from catalogue
full outer join price_book
    on price_book._tenant_id = catalogue._tenant_id
    and price_book.product_code = catalogue.sku
    and price_book.place = 1
    and catalogue.place = 1
