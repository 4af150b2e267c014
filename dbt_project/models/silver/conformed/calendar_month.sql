with calendar as (
    {{ months(var('calendar_start'), var('calendar_months')) }}
)

select
    month_start,
    cast({{ dbt.last_day('month_start', 'month') }} as date) as month_end
from calendar
