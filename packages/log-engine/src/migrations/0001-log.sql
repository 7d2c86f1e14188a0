-- One row a log. Its lock is the only thing that orders writers; the tree head in it is the commit
-- point: what is below tree_size exists, what is not does not.
create table log (
  log_no            smallint generated always as identity primary key,
  name              text     not null unique,
  log_id            bytea    not null check (octet_length(log_id) = 32),
  origin            text     not null unique,
  tree_size         bigint   not null default 0 check (tree_size >= 0),
  root_hash         bytea    not null check (octet_length(root_hash) = 32),
  -- Milliseconds since the epoch; the clock of a log never goes backwards, whatever its servers' clocks do.
  last_sequenced_at bigint   not null default 0
);

-- Entries are only ever inserted. No foreign key to log: it would cost a lookup and a lock for each of
-- them, and the only writer holds that row's lock anyway.
create table entry (
  log_no       smallint not null,
  leaf_index   bigint   not null,
  sequenced_at bigint   not null,
  leaf_hash    bytea    not null,
  -- The first 8 bytes of the identity: an index over 8 bytes is a third of one over 32, and whoever looks
  -- an entry up compares the rest.
  identity_key bigint   not null,
  -- Null where the identity is the leaf hash; then identity_key finds both.
  identity     bytea,
  leaf_key     bigint,
  leaf         bytea    not null,
  extra        bytea,
  primary key (log_no, leaf_index)
) with (toast_tuple_target = 4080);

-- Certificates and signatures do not compress; trying costs more than it saves.
alter table entry alter column leaf set storage external, alter column extra set storage external;

create index entry_by_identity on entry (identity_key);
create index entry_by_leaf on entry (leaf_key) where leaf_key is not null;

-- C2SP tiles of 256 hashes. Level 0 is stored once a tile is full (until then its hashes are those of
-- the entries); higher levels are stored as wide as they are.
create table tile (
  log_no     smallint not null,
  level      smallint not null check (level between 0 and 7),
  tile_index bigint   not null check (tile_index >= 0),
  hashes     bytea    not null check (octet_length(hashes) % 32 = 0 and octet_length(hashes) between 32 and 8192),
  primary key (log_no, level, tile_index)
);
alter table tile alter column hashes set storage external;
