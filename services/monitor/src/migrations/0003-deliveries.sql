-- Messages are forgotten by their age, looked for every few seconds.
create index monitor_delivery_age on monitor_delivery (created_at);
