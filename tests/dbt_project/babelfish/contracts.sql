{#- Babelfish cannot describe a query without running it; a query that begins with WITH is run instead. -#}

{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
    {%- set sql = get_empty_subquery_sql(select_sql, select_sql_header) -%}
    {%- if sql.strip().lower().startswith('with') %}{% set sql = ';' ~ sql %}{% endif -%}
    {{ return(adapter.get_column_schema_from_query(sql)) }}
{%- endmacro %}
