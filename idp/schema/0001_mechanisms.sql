-- The mechanisms that exist once and serve every area. Both programs have this
-- file, byte for byte. Times are microseconds since 1970, UTC.

-- What may be used once: codes, links, challenges, states, seen ids (shared/once).
-- Only digests are kept. An ended row stays until it is swept, so that a second use
-- can be told from an unknown token.
create table once (
	id         text    primary key, -- UUIDv7, or purpose and digest for a seen id
	purpose    text    not null,
	subject    text    not null,    -- who it is for; '' when nothing has to be replaced
	digest     bytea   not null,    -- SHA-256 of the secret
	code       bytea,               -- keyed digest of a short code that people type
	payload    text    not null,    -- JSON
	tries      bigint  not null,
	max_tries  bigint  not null,
	created_at bigint  not null,
	expires_at bigint  not null,
	spent_at   bigint,
	replaced   boolean not null     -- ended by a newer one, not by use
);
create index once_sweep on once (expires_at);
create index once_open on once (subject, purpose) where spent_at is null and subject <> '';

-- Attempts per account, address and place (shared/limit).
create table limits (
	id      text   primary key, -- rule and digest of the key
	free_at bigint not null     -- when all attempts counted so far are forgotten
);

-- What happened, append-only (shared/audit).
create table audit_events (
	id         text    primary key, -- UUIDv7
	at         bigint  not null,
	action     text    not null,
	actor      text    not null,
	subject    text    not null,
	client     text    not null,
	details    text    not null,    -- JSON object of texts, keys in order
	request_id text    not null,
	place      text    not null,
	agent      text    not null,
	sealed     boolean not null     -- has its place in the chain; no part of the event
);
create index audit_events_unsealed on audit_events (id) where sealed = false;

-- The chain that shows whether an event was changed, removed or moved.
create table audit_chain (
	seq      bigint primary key, -- 1, 2, 3 …
	event_id text   not null unique,
	hash     bytea  not null     -- SHA-256 of the hash before and of the event
);

-- What has to be sent, written together with the fact it tells (shared/outbox).
create table outbox (
	id         text   primary key, -- UUIDv7
	kind       text   not null,    -- which sender
	recipient  text   not null,
	payload    bytea  not null,    -- sealed JSON; emptied when sent
	sealed_by  text   not null,    -- the key-encryption key, '' for plain JSON
	state      text   not null,    -- queued, sending, sent, parked
	attempts   bigint not null,
	due_at     bigint not null,    -- queued: next attempt; sending: end of the lease
	lease      text   not null,    -- the attempt that holds the row
	error      text   not null,    -- why the last attempt failed
	created_at bigint not null,
	ended_at   bigint              -- when it was sent or parked
);
create index outbox_due on outbox (due_at) where ended_at is null;
create index outbox_ended on outbox (ended_at) where ended_at is not null;

-- The key ring (keys).
-- The private half is sealed for its kid by a key that is not in the database, or lies
-- in a device. generation grows with every change of the ring: who polls it sees the
-- change, and who changes it names the one he saw.
create table signing_keys (
	kid          text   primary key, -- RFC 7638 thumbprint
	alg          text   not null,    -- ES256, RS256, PS256, EdDSA
	state        text   not null,    -- next, active, retired, revoked
	public       text   not null,    -- JWK, public half only
	private      bytea  not null,    -- PKCS #8, sealed; empty in a device and when retired
	sealed_by    text   not null,    -- the key-encryption key, '' when empty
	device       text   not null default '', -- the label in the PKCS #11 device, '' without one
	generation   bigint not null,
	created_at   bigint not null,
	staged_at    bigint not null,    -- became next: from now on clients can learn it
	published_at bigint,             -- first served by a running program
	activated_at bigint,             -- began to sign
	retired_at   bigint,             -- ceased to sign
	revoked_at   bigint,             -- known to be compromised
	purge_after  bigint              -- nothing signed with it can be alive any more
);
create unique index signing_keys_active on signing_keys (alg) where state = 'active';
create unique index signing_keys_next on signing_keys (alg) where state = 'next';

-- What holds for the whole ring: one row.
create table key_ring (
	id           bigint primary key, -- 1
	identity     text   not null,    -- tells this database, and its backups, from any other
	generation   bigint not null,    -- of the last change; never goes back, unless a backup is restored
	beat_at      bigint not null,    -- when a running program last wrote here
	kek          text   not null,    -- the key-encryption key that seals, '' until it was changed once
	rotate_every bigint not null,    -- the schedule, microseconds; 0: by hand only
	stage_before bigint not null,    -- how long before it signs a key is staged
	patience     bigint not null,    -- how long clients are waited for; 0: for ever
	lease_by     text   not null,    -- the node that keeps the schedule
	lease_until  bigint not null
);
insert into key_ring (id, identity, generation, beat_at, kek, rotate_every, stage_before, patience, lease_by, lease_until)
values (1, '', 0, 0, '', 0, 0, 0, '', 0);

-- The programs that run with this ring, as they last told themselves.
create table key_nodes (
	id         text   primary key,
	host       text   not null,
	generation bigint not null,    -- of the ring it serves
	signs      text   not null,    -- the kids it signs with, a space between
	holds      text   not null,    -- the key-encryption keys it can open with; the first one seals
	seen_at    bigint not null
);

-- From where clients proved themselves lately: by this a fetch of the key set is
-- known to be theirs.
create table key_readers (
	client_id text   not null,
	place     text   not null,
	agent     text   not null,
	seen_at   bigint not null,
	primary key (client_id, place, agent)
);

-- Which generation of the key set was last fetched from there. '' for all three: from
-- anywhere.
create table key_fetches (
	place      text   not null,
	agent      text   not null,
	client_id  text   not null,    -- as the reader said, '' when it did not
	generation bigint not null,
	fetched_at bigint not null,
	primary key (place, agent, client_id)
);
