-- One row a tree that is followed: a log of one tree has one, a Rekor v1 log one for each shard. `size`, `root_hash` and `edge` are
-- of the largest head that the leaves were checked against; `reached` runs ahead of it while leaves are read.
create table monitor_tree (
  tree_id      bigint primary key generated always as identity,
  log_name     text   not null check (octet_length(log_name) between 1 and 100),
  -- Shard of a Rekor v1 log in decimal, else empty.
  shard        text   not null default '' check (octet_length(shard) <= 40),
  kind         text   not null,
  url          text   not null,
  -- Of the first head; every later one must have the same.
  origin       text   check (octet_length(origin) <= 1000),
  size         bigint not null default 0 check (size >= 0),
  root_hash    bytea  not null check (octet_length(root_hash) = 32),
  edge         bytea  not null,
  verified_at  timestamptz,
  reached      bigint not null default 0 check (reached >= size),
  reached_edge bytea  not null,
  unique (log_name, shard)
);

-- Every signed tree head that was ever shown, written before it is believed. Two roots of one size are two rows.
create table monitor_head (
  tree_id   bigint not null references monitor_tree on delete cascade,
  size      bigint not null check (size >= 0),
  root_hash bytea  not null check (octet_length(root_hash) = 32),
  -- What was signed, with the signature: the evidence.
  note      text   not null,
  -- Where it was shown first.
  shown_at  text   not null,
  seen_at   timestamptz not null default now(),
  verdict   text   not null default 'pending' check (verdict in ('pending', 'consistent', 'inconsistent')),
  primary key (tree_id, size, root_hash)
);
create index monitor_head_pending on monitor_head (tree_id, size) where verdict = 'pending';

create table monitor_watch (
  watch_id   bigint primary key generated always as identity,
  -- Of a watch in the file its name is what it is found again by.
  name       text    not null check (octet_length(name) between 1 and 400),
  source     text    not null check (source in ('api', 'file')),
  definition json not null,
  created_at timestamptz not null default now(),
  created_by text    not null check (octet_length(created_by) <= 1000)
);
create unique index monitor_watch_file on monitor_watch (name) where source = 'file';

-- Workflows that a watch has met, so that a new one is told from them.
create table monitor_workflow (
  watch_id bigint not null references monitor_watch on delete cascade,
  workflow text   not null,
  seen_at  timestamptz not null default now(),
  primary key (watch_id, workflow)
);

create table monitor_finding (
  finding_id bigint primary key generated always as identity,
  watch_id   bigint not null references monitor_watch on delete cascade,
  tree_id    bigint not null references monitor_tree on delete cascade,
  leaf_index bigint not null check (leaf_index >= 0),
  seen_at    timestamptz not null default now(),
  sighting   json not null,
  reasons    text[] not null,
  unique (watch_id, tree_id, leaf_index)
);

-- What is wrong: one row for each matter that is not closed yet, however often it is met.
create table monitor_alarm (
  alarm_id   bigint primary key generated always as identity,
  kind       text   not null,
  -- What it is about; with the kind it is one matter.
  matter     text   not null check (octet_length(matter) <= 1000),
  severity   text   not null check (severity in ('page', 'ticket', 'notice')),
  summary    text   not null,
  detail     json not null,
  tree_id    bigint references monitor_tree on delete set null,
  watch_id   bigint references monitor_watch on delete set null,
  state      text   not null default 'open' check (state in ('open', 'acknowledged', 'closed')),
  times      bigint not null default 1,
  first_at   timestamptz not null default now(),
  last_at    timestamptz not null default now()
);
create unique index monitor_alarm_matter on monitor_alarm (kind, matter) where state <> 'closed';

create table monitor_act (
  act_id   bigint primary key generated always as identity,
  alarm_id bigint not null references monitor_alarm on delete cascade,
  act      text   not null check (act in ('acknowledge', 'close', 'reopen')),
  at       timestamptz not null default now(),
  by       text   not null check (octet_length(by) between 1 and 1000),
  note     text   not null default '' check (octet_length(note) <= 8000)
);
create index monitor_act_alarm on monitor_act (alarm_id);

-- What others are to be told, kept until they have taken it.
create table monitor_delivery (
  delivery_id bigint primary key generated always as identity,
  channel     text   not null check (channel in ('webhook', 'mail')),
  alarm_id    bigint not null references monitor_alarm on delete cascade,
  event       json not null,
  attempts    integer not null default 0,
  next_at     timestamptz not null default now(),
  state       text   not null default 'waiting' check (state in ('waiting', 'delivered', 'given-up')),
  answer      text   not null default '',
  created_at  timestamptz not null default now()
);
create index monitor_delivery_waiting on monitor_delivery (next_at) where state = 'waiting';
