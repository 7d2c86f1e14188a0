-- One row a log: the newest checkpoint that was, or was about to be, cosigned. It is written before anything is signed, and a
-- submission changes it only from the tree that it names: whoever is second finds another one.
create table witnessed_log (
  origin      text   primary key check (octet_length(origin) between 1 and 1000),
  origin_hash bytea  not null unique check (octet_length(origin_hash) = 32),
  tree_size   bigint not null check (tree_size >= 0),
  root_hash   bytea  not null check (octet_length(root_hash) = 32),
  -- The text and the lines of the log that were verified.
  checkpoint  text   not null,
  -- Seconds since the epoch, of the cosignatures.
  cosigned_at bigint not null check (cosigned_at > 0),
  -- The lines that were given out; null while they are made, or when the process ended in between.
  cosignatures text
);
