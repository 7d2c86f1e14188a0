-- What intoto and cose entries attest, by the hash that their bodies hold. Not part of the log: a row may be deleted at any time, and its
-- entry is then answered without it.
create table attestation (
  sha256     bytea       primary key check (octet_length(sha256) = 32),
  size_bytes integer     not null check (size_bytes >= 0),
  -- Null where only hash and size were to be kept.
  data       bytea       check (octet_length(data) = size_bytes),
  created_at timestamptz not null default now()
);
-- Read whole or not at all, so it lies out of line and is not compressed.
alter table attestation alter column data set storage external;
