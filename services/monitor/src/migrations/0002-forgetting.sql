-- What is forgotten in time is found by its age, and goes with what hangs on it.
create index monitor_alarm_closed on monitor_alarm (last_at) where state = 'closed';
create index monitor_finding_seen on monitor_finding (seen_at);
create index monitor_delivery_alarm on monitor_delivery (alarm_id);
