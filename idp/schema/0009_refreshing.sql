-- Refresh tokens whose answer got lost, and registrations that nobody uses.

-- The refresh token that took this one's place: until it is used itself, its forerunner
-- may come again for a moment and gets the same one.
alter table tokens add column next_id text;

-- When a client that registered itself first got tokens; null: never.
alter table registrations add column used_at bigint;
update registrations set used_at = created_at
where exists (select 1 from connections where connections.client_id = registrations.client_id)
or exists (select 1 from client_tokens where client_tokens.client_id = registrations.client_id);
