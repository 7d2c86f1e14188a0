-- Copies of logs. Entries are kept in order, each proven to be of a tree that the witness has taken; the mirror checkpoint follows
-- when all of its tree are here.
create table mirrored_log (
  mirror_no   integer generated always as identity primary key,
  origin      text   not null unique check (octet_length(origin) between 1 and 1000),
  origin_hash bytea  not null unique check (octet_length(origin_hash) = 32),
  -- The first entry that is missing.
  next_entry  bigint not null default 0 check (next_entry >= 0),
  -- Of the mirror checkpoint; all below are null while there is none.
  tree_size   bigint check (tree_size between 0 and next_entry),
  -- The text and the verified lines of the log.
  checkpoint  text,
  -- Seconds since the epoch, of the cosignatures.
  cosigned_at bigint,
  -- The lines that were given out; null while they are made, or when the process ended in between.
  cosignatures text
);

-- Hashes as C2SP tlog-tiles has them, 32 bytes each; the last of a level grows.
create table mirrored_tile (
  mirror_no integer  not null references mirrored_log,
  level     smallint not null,
  index     bigint   not null,
  hashes    bytea    not null check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0),
  primary key (mirror_no, level, index)
);

-- 256 entries, or the first of them, each after its length in 16 bits.
create table mirrored_bundle (
  mirror_no integer not null references mirrored_log,
  index     bigint  not null,
  entries   bytea   not null,
  primary key (mirror_no, index)
);
