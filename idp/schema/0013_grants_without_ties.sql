-- A log-in writes one row of grants, and what that costs are the places it has to be put
-- in and the rows that have to be looked at. So a grant is tied to its client and its
-- person by those who read it, and not by references: each was one more lookup for each
-- log-in, on PostgreSQL with a lock on a row that all log-ins of the client share. What is
-- left of a client or person that is gone counts for nothing, and is swept when it expires.
create table grants_untied (
	id             text    primary key, -- UUIDv7, of the code
	client_id      text    not null,
	registered     bigint  not null, -- clients.created_at: which of those that had the id
	account_id     text    not null,
	session_id     text    not null, -- the sid it began in; the session may be gone already
	offline        boolean not null, -- outlives its session (offline_access)
	scopes         text    not null, -- a space between
	session        text    not null, -- JSON: what tokens say about the log-in
	created_at     bigint  not null,
	used_at        bigint,           -- when tokens were last given
	expires_at     bigint  not null, -- of its longest token; then it may be swept
	ended_at       bigint,           -- logged out, revoked, or its code came twice
	root_id        text,             -- the grant that this one ends with
	turn           bigint  not null default 0, -- how many refresh tokens there have been
	family         bytea,            -- SHA-256 of what all of them have in common
	refresh_digest bytea,            -- SHA-256 of the secret of the last one
	refresh_before bytea,            -- of the one before
	refresh_cnf    text    not null default '', -- the key it is bound to, as "cnf"
	refresh_until  bigint,           -- when it expires
	turned_at      bigint            -- when it took the place of the one before
);
insert into grants_untied (id, client_id, registered, account_id, session_id, offline, scopes, session, created_at, used_at,
	expires_at, ended_at, root_id, turn, family, refresh_digest, refresh_before, refresh_cnf, refresh_until, turned_at)
select g.id, g.client_id, c.created_at, g.account_id, g.session_id, g.offline, g.scopes, g.session, g.created_at, g.used_at,
	g.expires_at, g.ended_at, g.root_id, g.turn, g.family, g.refresh_digest, g.refresh_before, g.refresh_cnf, g.refresh_until, g.turned_at
from grants g join clients c on c.id = g.client_id;
drop table grants;
alter table grants_untied rename to grants;
create index grants_expires_at on grants (expires_at);

-- Only grants that outlive their session are looked for by person. An index of all puts
-- each new row in a place of its own: a tenth of what a signed-in log-in costs.
create index grants_person on grants (account_id, client_id) where offline;

-- The others hang on the row of session_clients by which their session let the client in.
-- A withdrawal deletes that row; so that not every token has to look for it, the session
-- says that it has let go of a client.
alter table sessions add column let_go boolean not null default false;
