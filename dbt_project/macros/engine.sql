{#- What differs between the engines this project compiles for; models call these and name no engine. -#}

{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- A table's schema is its layer, on every target: an asset's key is its table. -#}
    {{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}

{% macro is_incremental() -%}
    {#- dbt's own looks the table up; DBT_OFFLINE=first|later compiles that build without a connection. -#}
    {%- set offline = env_var('DBT_OFFLINE', '') -%}
    {%- if offline -%} {{ return(offline == 'later') }} {%- endif -%}
    {{- return(dbt.is_incremental()) -}}
{%- endmacro %}

{% macro x_true() -%} {{ 'cast(1 as bit)' if target.type == 'sqlserver' else 'true' }} {%- endmacro %}

{% macro x_false() -%} {{ 'cast(0 as bit)' if target.type == 'sqlserver' else 'false' }} {%- endmacro %}

{% macro x_flag(condition) -%}
    {#- A condition as a value, which T-SQL has not; unknown is false. -#}
    case when {{ condition }} then {{ x_true() }} else {{ x_false() }} end
{%- endmacro %}

{% macro x_trim(text) -%}
    {#- Without the blanks around it; DuckDB alone would take every other kind of space as well. -#}
    {%- if target.type == 'duckdb' -%} trim({{ text }}, ' ') {%- else -%} trim({{ text }}) {%- endif -%}
{%- endmacro %}

{% macro x_text(length=255) -%}
    {{- 'nvarchar(' ~ length ~ ')' if target.type == 'sqlserver' else 'varchar' -}}
{%- endmacro %}

{% macro x_timestamp() -%} {{ 'datetime2(6)' if target.type == 'sqlserver' else 'timestamp' }} {%- endmacro %}

{% macro x_differs(left, right) -%}
    {#- Unequal, where two empty values are equal; SQL Server has IS DISTINCT FROM only since 2022. -#}
    {%- if target.type == 'sqlserver' -%}
    ({{ left }} <> {{ right }} or ({{ left }} is null and {{ right }} is not null)
        or ({{ left }} is not null and {{ right }} is null))
    {%- else -%}
    {{ left }} is distinct from {{ right }}
    {%- endif -%}
{%- endmacro %}

{% macro x_later(left, right) -%}
    {#- The later of two times, either of which may be empty; SQL Server has GREATEST only since 2022. -#}
    case when {{ right }} is null or {{ left }} >= {{ right }} then {{ left }} else {{ right }} end
{%- endmacro %}

{% macro x_month(day) -%}
    {#- The first day of a day's month. -#}
    {%- if target.type == 'sqlserver' -%} datefromparts(year({{ day }}), month({{ day }}), 1)
    {%- else -%} cast(date_trunc('month', {{ day }}) as date)
    {%- endif -%}
{%- endmacro %}

{% macro x_decimal(expression, precision=18, scale=2) -%}
    {#- Exact: sums widen and quotients turn to floating point on some engines, so every amount says its type. -#}
    cast({{ expression }} as decimal({{ precision }}, {{ scale }}))
{%- endmacro %}

{% macro x_integer(expression) -%}
    {#- Counts: DuckDB sums integers into 128 bits, T-SQL into 32. -#}
    cast({{ expression }} as bigint)
{%- endmacro %}

{% macro x_share(part, whole) -%}
    {#- A ratio with four places; empty when the whole is nothing. Both sides are cast: T-SQL divides integers whole. -#}
    cast(cast({{ part }} as decimal(20, 6)) / nullif(cast({{ whole }} as decimal(20, 6)), 0) as decimal(18, 4))
{%- endmacro %}
