{#- Rows out of nothing: a series of months that every engine can make. -#}

{% macro months(start, count) %}
    {#- `count` months from `start`, as month_start; digits crossed with digits, since recursion differs by engine. -#}
    select cast({{ dbt.dateadd('month', 'numbered.month_number', "cast('" ~ start ~ "' as date)") }} as date) as month_start
    from (
        select hundreds.digit * 100 + tens.digit * 10 + ones.digit as month_number
        from ({{ digits() }}) as ones
        cross join ({{ digits() }}) as tens
        cross join ({{ digits() }}) as hundreds
    ) as numbered
    where numbered.month_number < {{ count }}
{% endmacro %}

{% macro digits() -%}
    {%- for digit in range(10) %}select {{ digit }} as digit{{ ' union all ' if not loop.last }}{% endfor -%}
{%- endmacro %}
