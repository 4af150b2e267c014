{#- Histories (SCD2): one row for each version of a record, as the platform came to know it. -#}

{% macro history_of(current, key, tracked, observed_in) %}
    {#-
        A record's first version counts from its created_at; a later one from the newest load of the tables in
        `observed_in` that its tenant had. No clock is read: building twice from the same bronze changes nothing.
        A version ends (valid_to, exclusive) when a tracked column differs or the record is gone. Where nothing was
        loaded since a version began (a rule was changed, say), that version is corrected in place.
    -#}
    {%- set columns = [key] + tracked -%}
with observed as (
    select _tenant_id, max(_loaded_at) as observed_at
    from (
        {%- for relation in observed_in %}
        select _tenant_id, _loaded_at from {{ relation }}
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as inputs
    group by _tenant_id
)
{%- if not is_incremental() %}
select
    record._tenant_id,
    {%- for column in columns %}
    record.{{ column }},
    {%- endfor %}
    record.created_at as valid_from,
    cast(null as {{ x_timestamp() }}) as valid_to,
    {{ x_true() }} as is_current
from {{ current }} as record
{%- else %},
newest as (
    select _tenant_id, {{ key }}, max(valid_from) as valid_from
    from {{ this }}
    group by _tenant_id, {{ key }}
),
version as (
    select built.*
    from {{ this }} as built
    inner join newest
        on newest._tenant_id = built._tenant_id
        and newest.{{ key }} = built.{{ key }}
        and newest.valid_from = built.valid_from
),
compared as (
    select
        observed._tenant_id,
        observed.observed_at,
        {%- for column in columns %}
        record.{{ column }} as new_{{ column }},
        version.{{ column }} as old_{{ column }},
        {%- endfor %}
        record.created_at,
        version.valid_from,
        version.valid_to
    from {{ current }} as record
    full outer join version
        on version._tenant_id = record._tenant_id and version.{{ key }} = record.{{ key }}
    inner join observed
        on observed._tenant_id = coalesce(record._tenant_id, version._tenant_id)
    where version.valid_to is not null
        {%- for column in columns %}
        or {{ x_differs('record.' ~ column, 'version.' ~ column) }}
        {%- endfor %}
)
select
    _tenant_id,
    {%- for column in columns %}
    new_{{ column }} as {{ column }},
    {%- endfor %}
    case
        when valid_from is null then created_at
        when observed_at > valid_from then observed_at
        else valid_from
    end as valid_from,
    cast(null as {{ x_timestamp() }}) as valid_to,
    {{ x_true() }} as is_current,
    {{ x_false() }} as is_deleted
from compared
where new_{{ key }} is not null
union all
select
    _tenant_id,
    {%- for column in columns %}
    old_{{ column }} as {{ column }},
    {%- endfor %}
    valid_from,
    observed_at as valid_to,
    {{ x_false() }} as is_current,
    {{ x_false() }} as is_deleted
from compared
where old_{{ key }} is not null and valid_to is null and observed_at > valid_from
{%- endif %}
{% endmacro %}
