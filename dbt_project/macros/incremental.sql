{#- How tables grow: rows that changed since the last build replace their old versions, tombstones remove them. -#}

{% macro get_incremental_upsert_live_sql(arguments) %}
    {#-
        Strategy upsert_live: the new rows replace those with the same key; rows marked is_deleted only remove.
        DELETE and INSERT of the changed keys, which DuckDB and SQL Server do in one transaction and DuckDB does
        several times faster than MERGE.
    -#}
    {%- set target_table, changes = arguments.target_relation, arguments.temp_relation -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    delete {{ 'built ' if target.type == 'sqlserver' }}from {{ target_table }} as built
    where exists (
        select 1 from {{ changes }} as changed
        where {% for column in arguments.unique_key -%}
            changed.{{ column }} = built.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    );
    insert into {{ target_table }} ({{ columns }})
    select {{ columns }} from {{ changes }} as changed
    where changed.is_deleted = {{ x_false() }};
{% endmacro %}

{% macro changed_rows() %}
    {#-
        The rows of a cleansing model that a build has to look at, as a WHERE condition for the alias `source`.
        First build and full refresh: those that live. Later: those loaded after the newest row that the table holds
        of the same connection. Per connection, because loads of different connections commit in any order; strictly
        after, because a load's rows share one time and become visible together. A table that holds no row of a
        connection takes them all.
    -#}
    {%- if is_incremental() -%}
    not exists (
        select 1 from newest_built
        where newest_built._tenant_id = source._tenant_id
            and newest_built._connection = source._connection
            and newest_built.loaded_at >= source._loaded_at
    )
    {%- else -%}
    source.is_deleted = {{ x_false() }}
    {%- endif -%}
{% endmacro %}

{% macro newest_built() %}
    select _tenant_id, _connection, max(_loaded_at) as loaded_at
    from {{ this }}
    group by _tenant_id, _connection
{% endmacro %}
