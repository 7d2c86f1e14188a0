-- Facts about entries (issuer, serial number, kind) are hashed apart from other keys now. Rows of before are still read; an index
-- that is built anew has none of them. Below facts_from they are in the older form.
alter table search_position add column facts_from bigint not null default 0 check (facts_from >= 0);
update search_position set facts_from = next_index;
