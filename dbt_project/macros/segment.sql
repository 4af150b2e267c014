{#- The segment of a company, by its size; its country is a column of its own. -#}

{% macro segment(employees) -%}
    {#- small, mid_market, enterprise (vars mid_market_from, enterprise_from); unknown without a number. -#}
    cast(case
        when {{ employees }} >= {{ var('enterprise_from') }} then 'enterprise'
        when {{ employees }} >= {{ var('mid_market_from') }} then 'mid_market'
        when {{ employees }} >= 0 then 'small'
        else 'unknown'
    end as {{ x_text(20) }})
{%- endmacro %}
