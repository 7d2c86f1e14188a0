-- 0004-frozen-at.sql: when a shard got its final size. Its last checkpoint may say so; unknown of those that were frozen before.
alter table log
  -- Milliseconds since the epoch.
  add column frozen_at bigint check (frozen_at is null or final_size is not null);
