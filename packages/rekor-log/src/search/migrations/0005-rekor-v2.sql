-- Entries of Rekor v2 are found as those of Rekor v1 are. Rows do not say of which log they are, so each log has a table of its own.
create table search_key_rekor_v2 (
  key        bigint not null,
  leaf_index bigint not null check (leaf_index >= 0),
  primary key (key, leaf_index)
);
