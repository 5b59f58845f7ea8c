-- Which clients people use, so that they can be told when a session ends and people
-- can see and end what they allowed. Times are microseconds since 1970, UTC.

-- A person and a client that got tokens for this person at least once.
create table connections (
	account_id   text   not null references accounts (id) on delete cascade,
	client_id    text   not null references clients (id) on delete cascade,
	scopes       text   not null, -- of the last grant, a space between
	first_at     bigint not null,
	last_at      bigint not null, -- to the hour: a grant within it writes nothing
	withdrawn_at bigint,          -- the person ended it; codes from before are void
	primary key (account_id, client_id)
);

-- The clients that a session has given tokens to: who is told when it ends.
create table session_clients (
	session_id text   not null references sessions (id) on delete cascade,
	client_id  text   not null references clients (id) on delete cascade,
	subject    text   not null, -- what this client knows the person by
	created_at bigint not null,
	primary key (session_id, client_id)
);

-- The last requests of each client, for its developer. No row holds a secret, a token
-- or a person.
create table client_requests (
	id        text   primary key, -- UUIDv7
	client_id text   not null references clients (id) on delete cascade,
	at        bigint not null,
	endpoint  text   not null, -- authorize, token, revoke, logout …
	outcome   text   not null, -- ok, or the error code
	reason    text   not null, -- a name of idp/clients, '' when all was well
	details   text   not null  -- JSON object of texts
);
create index client_requests_client_id on client_requests (client_id, id);
