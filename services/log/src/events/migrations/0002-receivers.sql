-- Each receiver has a cursor of its own, so that one that is away holds up no other. The release before this one knows the webhook
-- only and does not look at the column: a stream is set when every replica runs this release.
alter table event_cursor add column receiver text not null default 'webhook' check (receiver in ('webhook', 'stream'));
alter table event_cursor drop constraint event_cursor_pkey, add primary key (log_id, receiver);
