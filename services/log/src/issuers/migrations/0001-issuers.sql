-- Issuers of what a CT log holds, by fingerprint: tiles of data name them by it. They are in the entries too, but not to be found there.
create table ct_issuer (
  sha256 bytea primary key check (octet_length(sha256) = 32),
  der    bytea not null
);
