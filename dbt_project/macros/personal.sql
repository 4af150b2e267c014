{#- Personal data: the form in which silver shows a column that its contract marks (`classification: pii`). -#}

{% macro personal(table, columns) -%}
    {#-
        One personal column of a bronze table, or several joined by a blank (a name in parts), for the alias `source`.
        The contract decides the form: hash, mask, or clear with a reason; of several columns the strictest counts.
        Models say what they show in this way alone: the test suite finds a personal column that goes another.
    -#}
    {%- set columns = [columns] if columns is string else columns -%}
    {%- set form = strictest_form(table, columns) -%}
    {%- set text = personal_text(columns) -%}
    {#- Bronze compares by code point there, and under such a collation a server may lower A to Z alone. -#}
    {%- set letters = text ~ ' collate database_default' if target.type == 'sqlserver' else text -%}
    {%- if form == 'hash' -%} cast({{ x_sha256(tenant_salt(), 'lower(' ~ letters ~ ')') }} as {{ x_text(64) }})
    {%- elif form == 'mask' -%} cast({{ masked(text) }} as {{ x_text() }})
    {%- else -%} cast({{ text }} as {{ x_text() }})
    {%- endif -%}
{%- endmacro %}

{% macro strictest_form(table, columns) -%}
    {#- Read from the sources, which are written from the contracts. While dbt parses there are none to read. -#}
    {%- if not execute -%} {{ return('hash') }} {%- endif -%}
    {%- set forms = [] -%}
    {%- for node in graph.sources.values() if node.schema == table.schema and node.identifier == table.identifier -%}
        {%- for column in columns if column in node.columns -%}
            {%- do forms.append(node.columns[column].config.get('meta', {}).get('pii')) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for form in ('hash', 'mask', 'clear') if form in forms and forms | length == columns | length -%}
        {{ return(form) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        'personal(): ' ~ table.schema ~ '.' ~ table.identifier ~ ' has no personal column ' ~ columns | join(', ')
        ~ '. Mark it in its contract (classification: pii), then run: strata generate'
    ) }}
{%- endmacro %}

{% macro personal_text(columns) -%}
    {#- Trimmed, so that values which differ by blanks alone match; empty text is no text. -#}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append(x_trim('cast(source.' ~ column ~ ' as ' ~ x_text('max') ~ ')')) -%}
    {%- endfor -%}
    {%- if parts | length == 1 -%} nullif({{ parts[0] }}, '')
    {%- else -%} nullif({{ x_trim("concat(" ~ parts | join(", ' ', ") ~ ")") }}, '')
    {%- endif -%}
{%- endmacro %}

{% macro tenant_salt() -%}
    {#-
        The salt of a row's tenant, from a table that the platform fills before it builds: no salt is ever part of a
        statement. A tenant without one has empty digests: nothing is shown rather than something unsalted. The table is
        no dbt source, so that it is in no graph and no documentation.
    -#}
    (select tenant_salt.salt from strata.tenant_salt as tenant_salt where tenant_salt.tenant_id = source._tenant_id)
{%- endmacro %}

{% macro x_sha256(salt, text) -%}
    {#-
        SHA-256 of salt and text in UTF-8, as 64 hexadecimal digits; empty where either is. The same on every engine:
        T-SQL would hash the UTF-16 of its nvarchar, so the text takes a UTF-8 collation first (SQL Server 2019).
        A server without such collations brings sqlserver__x_sha256 (STRATA_DBT_MACROS).
    -#}
    {{- adapter.dispatch('x_sha256')(salt, text) -}}
{%- endmacro %}

{% macro default__x_sha256(salt, text) -%}
    {%- if target.type == 'sqlserver' -%}
    lower(convert(char(64), hashbytes('SHA2_256',
        cast(({{ salt }} + {{ text }}) collate Latin1_General_100_BIN2_UTF8 as varchar(max))), 2))
    {%- else -%}
    sha256({{ salt }} || {{ text }})
    {%- endif -%}
{%- endmacro %}

{% macro masked(text) -%}
    {#-
        A mail address keeps its first letter and its domain (j***@example.com), what ends in a digit its last two digits
        (***42), other text its first letter (J***). Values too short to stay unknown that way show less.
    -#}
    {%- set at = dbt.position("'@'", text) -%}
    case
        when {{ text }} like '%_@_%' and {{ text }} not like '%@%@%' and {{ text }} not like '% %' then concat(
            case when {{ text }} like '___%@%' then left({{ text }}, 1) else '' end,
            '***',
            substring({{ text }}, {{ at }}, 255)
        )
        when {{ text }} like '______%' and right({{ text }}, 1) between '0' and '9' then concat('***', right({{ text }}, 2))
        when {{ text }} like '____%' then concat(left({{ text }}, 1), '***')
        when {{ text }} is not null then '***'
    end
{%- endmacro %}
