-- More ways to get tokens, and more kinds of them: resources that tokens are made out
-- to, tokens of clients that act for themselves, subjects that differ from client to
-- client, and devices without a browser. Times are microseconds since 1970, UTC.

-- Resource servers that access tokens can be made out to (RFC 8707).
create table resources (
	id         text    primary key, -- its identifier, a URI
	source     text    not null,    -- config: from the file, switched off when it leaves it
	record     text    not null,    -- JSON
	disabled   boolean not null,
	created_at bigint  not null,
	updated_at bigint  not null
);

-- JSON: what an access token is good for, where that is not simply its grant's scopes
-- at the issuer's own endpoints.
alter table tokens add column target text;

-- The grant whose token was exchanged for one of this grant (RFC 8693); ends with it.
alter table grants add column root_id text;

-- Access tokens of clients that act for themselves: nobody logged in, so there is
-- neither an account nor a session, and one row is enough (RFC 6749 section 4.4).
create table client_tokens (
	id         text   primary key, -- UUIDv7
	client_id  text   not null references clients (id) on delete cascade,
	digest     bytea  not null,    -- SHA-256 of the second half, or of the whole JWT
	session    text   not null,    -- JSON: what the token says
	target     text   not null,    -- JSON: what it is good for
	cnf        text   not null,    -- as in tokens
	created_at bigint not null,
	expires_at bigint not null,
	ended_at   bigint              -- revoked
);
create index client_tokens_client_id on client_tokens (client_id);
create index client_tokens_expires_at on client_tokens (expires_at);

-- What one sector of clients knows an account by (OpenID Connect Core section 8.1).
-- Kept, so that a new key or another way to compute them changes nobody's subject.
create table subjects (
	account_id text   not null references accounts (id) on delete cascade,
	sector     text   not null,
	subject    text   not null unique,
	created_at bigint not null,
	primary key (account_id, sector)
);

-- Devices that wait for a person (RFC 8628). The device code is a row of "once" with
-- the same id; of the code people type only a keyed digest is kept.
create table devices (
	id          text   primary key,
	client_id   text   not null references clients (id) on delete cascade,
	code        bytea  not null unique,
	scopes      text   not null,    -- a space between
	resources   text   not null,    -- a space between
	details     text   not null,    -- JSON, RFC 9396; '' for none
	offline     boolean not null,   -- asked for offline_access
	place       text   not null,    -- the address the device asked from
	state       text   not null,    -- waiting, approved, denied
	browser     bytea,              -- digest of the first browser that typed the code
	account_id  text   references accounts (id) on delete cascade, -- who approved
	login       text   not null,    -- JSON: the log-in of who approved
	poll_after  bigint not null,    -- a question before that is too early
	poll_every  bigint not null,    -- seconds
	created_at  bigint not null,
	expires_at  bigint not null
);
create index devices_client_id on devices (client_id);
create index devices_account_id on devices (account_id);
create index devices_expires_at on devices (expires_at);
