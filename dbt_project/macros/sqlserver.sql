{#- What dbt-sqlserver does otherwise than this project needs; it finds these by their names. -#}

{% macro sqlserver__build_columns_constraints(relation, only_not_null=False) %}
    {#-
        The columns of a contract, whose `string` dbt-sqlserver takes for varchar: that would lose every letter outside a
        code page. Texts are compared to the letter, as in bronze and on DuckDB. `text` is a text of any length.
    -#}
    {%- set columns = {} -%}
    {%- for name, column in model['columns'].items() -%}
        {%- do columns.update({name: dict(column, data_type=x_stored(column['data_type']))}) -%}
    {%- endfor -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=columns, only_not_null=only_not_null) | join(', ') }})
{% endmacro %}

{% macro x_stored(kind) -%}
    {%- if kind in ('string', 'text') -%}
    {{- x_text('max' if kind == 'text' else 255) }} collate Latin1_General_BIN2
    {%- elif kind == 'timestamp' -%} {{- x_timestamp() }}
    {%- elif kind == 'boolean' -%} bit
    {%- else -%} {{- kind }}
    {%- endif -%}
{%- endmacro %}
