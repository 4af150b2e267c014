{#- Text rules: what every cleansing model does to text, keys made of it, and the domain of a web address. -#}

{% macro clean(column, length=255) -%}
    {#- Trimmed, and empty text is no text. -#}
    cast(nullif({{ x_trim(column) }}, '') as {{ x_text(length) }})
{%- endmacro %}

{% macro record_key(source, connection, id) -%}
    {#-
        Key of a record within its tenant: product|main|42. Readable text instead of a hash: it is the same on every
        engine (hashes of the same values are not), says where a row comes from, and a fact builds it without a join.
    -#}
    cast(case when {{ id }} is not null then concat('{{ source }}|', {{ connection }}, '|', {{ id }}) end
        as {{ x_text(200) }})
{%- endmacro %}

{% macro text_before(text, mark) -%}
    left({{ text }}, {{ dbt.position("'" ~ mark ~ "'", "concat(" ~ text ~ ", '" ~ mark ~ "')") }} - 1)
{%- endmacro %}

{% macro web_host(address) -%}
    {#- The host of a web address or a bare domain: without scheme, port and path. -#}
    {%- set bare = "replace(replace(lower(" ~ x_trim(address) ~ "), 'https://', ''), 'http://', '')" -%}
    {{ text_before(text_before(bare, '/'), ':') }}
{%- endmacro %}

{% macro last_labels(host, count) -%}
    {#- The last labels of a host name: www.acme.co.uk, 2 -> co.uk; all of it when there are fewer. -#}
    {%- if target.type == 'sqlserver' -%}
        {%- set backwards = "concat(reverse(" ~ host ~ "), '...')" -%}
        {%- set ns = namespace(at="charindex('.', " ~ backwards ~ ")") -%}
        {%- for _ in range(count - 1) -%}
            {%- set ns.at = "charindex('.', " ~ backwards ~ ", " ~ ns.at ~ " + 1)" -%}
        {%- endfor -%}
        right({{ host }}, {{ ns.at }} - 1)
    {%- else -%}
        array_to_string(string_split({{ host }}, '.')[-{{ count }}:], '.')
    {%- endif -%}
{%- endmacro %}

{% macro registrable_domain(host) -%}
    {#-
        The part of a host name that somebody registered: two labels, or three below a country's registry such as
        co.uk. An approximation of the public suffix list (vars registry_labels, shared_domains) that needs no
        download. Empty for shared domains, addresses in digits and names without a dot.
    -#}
    {%- set two = last_labels(host, 2) -%}
    case
        when {{ host }} not like '%_.__%' or right({{ host }}, 1) between '0' and '9' then null
        when {{ two }} in ({{ quoted(var('shared_domains')) }}) then null
        when {{ two }} like '%.__' and {{ text_before(two, '.') }} in ({{ quoted(var('registry_labels')) }})
            then {{ last_labels(host, 3) }}
        else {{ two }}
    end
{%- endmacro %}

{% macro quoted(words) -%} '{{ words | join("', '") }}' {%- endmacro %}
