{#- Babelfish has no UTF-8 collation and CONVERT takes no style: PostgreSQL's own functions give the same digits. -#}

{% macro sqlserver__x_sha256(salt, text) -%}
    cast(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(cast({{ salt }} + {{ text }} as varchar(max)), 'UTF8')), 'hex')
        as varchar(64))
{%- endmacro %}
