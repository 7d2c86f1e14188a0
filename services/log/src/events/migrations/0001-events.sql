-- How far the events of a log have been delivered. The lease makes the replicas take turns without an open transaction while a
-- receiver is slow; whoever holds it moves the cursor only after the receiver has answered.
create table event_cursor (
  log_id       bytea       primary key check (octet_length(log_id) = 32),
  next_index   bigint      not null check (next_index >= 0),
  holder       text,
  leased_until timestamptz not null default '-infinity'
);
