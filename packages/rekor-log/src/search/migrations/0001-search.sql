-- The search index: a hint that is built from the log and may be thrown away at any time (empty both
-- tables to have it built anew). A key is the start of SHA-256 over log ID and lower-cased search key:
-- short, of one length, and nobody's e-mail address in clear.
create table search_key (
  key        bytea  not null check (octet_length(key) = 16),
  leaf_index bigint not null check (leaf_index >= 0),
  primary key (key, leaf_index)
);

-- How far a log has been read. Its lock makes followers of several replicas take turns.
create table search_position (
  log_id     bytea  primary key check (octet_length(log_id) = 32),
  next_index bigint not null default 0 check (next_index >= 0)
);
