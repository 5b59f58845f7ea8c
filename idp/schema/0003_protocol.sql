-- The protocol: registered clients, what was granted to them, and the tokens that
-- stand for it. Authorization codes are rows of "once". Times are microseconds since
-- 1970, UTC; of tokens only digests are kept.

-- Registered software (RFC 7591 names its members).
create table clients (
	id         text    primary key,
	source     text    not null, -- config: from the file, switched off when it leaves it
	record     text    not null, -- JSON
	disabled   boolean not null,
	created_at bigint  not null,
	updated_at bigint  not null
);

-- One redeemed authorization: who allowed which client what, and from which session.
-- Its id is the id of the code, so that a second use of the code finds it.
create table grants (
	id         text   primary key, -- UUIDv7
	client_id  text   not null references clients (id) on delete cascade,
	account_id text   not null references accounts (id) on delete cascade,
	session_id text   not null,    -- the sid it began in; the session may be gone already
	offline    boolean not null,   -- outlives its session (offline_access)
	scopes     text   not null,    -- a space between
	session    text   not null,    -- JSON: what tokens say about the log-in
	created_at bigint not null,
	expires_at bigint not null,    -- of its longest token; then it may be swept
	ended_at   bigint              -- logged out, revoked, or its code came twice
);
create index grants_session_id on grants (session_id);
create index grants_account_id on grants (account_id);
create index grants_client_id on grants (client_id);
create index grants_expires_at on grants (expires_at);

-- Access and refresh tokens of a grant. Refresh tokens of one grant are a family.
create table tokens (
	id         text   primary key, -- UUIDv7, the first half of the token
	grant_id   text   not null references grants (id) on delete cascade,
	kind       text   not null,    -- access, refresh
	digest     bytea  not null,    -- SHA-256 of the second half
	created_at bigint not null,
	expires_at bigint not null,
	ended_at   bigint              -- revoked, or replaced by the next of its family
);
create index tokens_grant_id on tokens (grant_id);
