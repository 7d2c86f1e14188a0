-- 0005-lines.sql: logs that follow each other. Unlike shards each has a name of its own, and the next one is opened while the one before
-- still takes entries, since clients learn of it at their own pace.
alter table log
  -- Name of the first log of the line; null in that one itself.
  add column line      text,
  -- Milliseconds since the epoch: when it was opened behind the others.
  add column opened_at bigint,
  add check ((line is null) = (opened_at is null)),
  add check (line is null or series is null);

create unique index log_line on log (line, opened_at) where line is not null;

-- A next log of a line has its name and its origin before it has entries; the next shard of a series has neither.
alter table log_next_key
  add column name   text,
  add column origin text,
  add check ((name is null) = (origin is null));
