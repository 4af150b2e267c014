{#- Our two generic tests: a key, and a relationship within a tenant. -#}

{% test key(model, columns) %}
    {#- No part of the key is empty and no two rows share it. Its columns are the table's key for publication too. -#}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
        {%- for column in columns %} or {{ column }} is null {%- endfor %}
{% endtest %}

{% test belongs_to(model, column, to, field) %}
    {#-
        A reference leads to a row of the same tenant. It warns: the entities of a source load one
        after the other, so that a child may be here minutes before its parent, and sources do lose parents.
    -#}
    {{ config(severity='warn') }}
    select child._tenant_id, child.{{ column }}
    from {{ model }} as child
    left join {{ to }} as parent
        on parent._tenant_id = child._tenant_id and parent.{{ field }} = child.{{ column }}
    where child.{{ column }} is not null and parent.{{ field }} is null
{% endtest %}
