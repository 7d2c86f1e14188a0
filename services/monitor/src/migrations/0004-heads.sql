-- Judged heads are thinned out day by day.
create index monitor_head_judged on monitor_head (seen_at) where verdict <> 'pending';
