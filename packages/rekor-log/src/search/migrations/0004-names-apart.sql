-- Texts that senders made up are no search keys any more unless they are digests. Rows of before stay until the index is built anew;
-- below facts_from the audit passes over them.
update search_position set facts_from = next_index;
