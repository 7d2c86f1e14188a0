-- A dialect may keep its log as a series of shards, oldest first. The row that orders writers also says whether they may
-- write, so every replica learns it within the batch that it would have written.
alter table log
  -- Null in the first shard of a series, whose name is the series' own.
  add column series      text,
  add column shard       smallint not null default 0 check (shard >= 0),
  -- Set when the shard is frozen. A process of an older release, which does not know the column, cannot grow the tree
  -- past it either: its update breaks this constraint.
  add column final_size  bigint check (final_size = tree_size),
  add column mode        text not null default 'open' check (mode in ('open', 'read-only', 'maintenance')),
  -- What writers are told while the mode is another than open.
  add column mode_reason text,
  add column public_key  bytea check (sha256(public_key) = log_id),
  -- Name of the key's file in the folder of keys; null where it is the first key.
  add column key_file    text,
  add check ((series is null) = (shard = 0));

-- One shard of each number, and one that is not frozen.
create unique index log_shard on log (coalesce(series, name), shard);
create unique index log_active_shard on log (coalesce(series, name)) where final_size is null;

-- The key that the next shard of a series will have: published before anything is signed with it.
create table log_next_key (
  series      text   primary key,
  public_key  bytea  not null,
  key_file    text   not null,
  prepared_at bigint not null
);
