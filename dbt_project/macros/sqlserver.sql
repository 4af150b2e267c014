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

{% macro sqlserver__check_for_schema_changes(source_relation, target_relation) %}
    {#-
        A contract's text is as wide as the contract says, a model's as its expressions come out: a refresh would take the
        one for another type and swap the table, for which readers wait. A text that does not fit fails its INSERT.
    -#}
    {%- set changes = default__check_for_schema_changes(source_relation, target_relation) -%}
    {%- if config.get('contract').enforced -%}
        {%- set others = changes['new_target_types'] | rejectattr('new_type', 'in', text_types(changes)) | list -%}
        {%- do changes.update({
            'new_target_types': others,
            'schema_changed': (changes['source_not_in_target'] + changes['target_not_in_source'] + others) | length > 0
        }) -%}
    {%- endif -%}
    {{ return(changes) }}
{% endmacro %}

{% macro text_types(changes) -%}
    {{ return(changes['source_columns'] | selectattr('dtype', 'equalto', 'nvarchar') | map(attribute='data_type') | list) }}
{%- endmacro %}
