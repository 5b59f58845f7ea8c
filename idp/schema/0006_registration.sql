-- Clients that register themselves (RFC 7591, RFC 7592). Times are microseconds since
-- 1970, UTC.

-- One row per client that registered itself; the registration is in "clients".
create table registrations (
	client_id     text   primary key references clients (id) on delete cascade,
	digest        bytea  not null, -- of the registration access token
	invitation_id text   not null, -- '' when registration was open to everybody
	place         text   not null, -- where the request came from
	created_at    bigint not null
);
create index registrations_created_at on registrations (created_at);

-- Initial access tokens (RFC 7591 §3): whoever has one may register so many clients.
create table invitations (
	id         text   primary key, -- UUIDv7, the first half of the token
	digest     bytea  not null,    -- SHA-256 of the second half
	note       text   not null,    -- for whom it was made
	uses_left  bigint not null,
	created_at bigint not null,
	expires_at bigint not null
);
create index invitations_expires_at on invitations (expires_at);
