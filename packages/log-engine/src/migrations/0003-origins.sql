-- 0003-origins.sql: a CT log and a Rekor v2 log are both called by their host alone, which a machine for trials may have one of. Their
-- keys tell them apart; what is one log to those who verify stays one row.
alter table log drop constraint log_origin_key;
alter table log add constraint log_origin_key unique (origin, log_id);
