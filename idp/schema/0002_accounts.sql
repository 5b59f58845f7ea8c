-- People: accounts, their passwords, what they accepted, their sessions and the
-- conversations in which they log in. Times are microseconds since 1970, UTC.

-- One row per natural person (S-002).
create table accounts (
	id                text   primary key,  -- UUIDv7; stays inside
	subject           text   not null,     -- what clients know the person by: random
	email             text   not null,     -- canonical (shared/mail): compared by, and the only place mails go
	username          text,                -- of an older system; never changes once set
	legacy_id         text,                -- number in an older system; never changes once set
	given_name        text   not null,
	family_name       text   not null,
	nickname          text   not null,
	country           text   not null,     -- ISO 3166-1 alpha-2
	language          text   not null,
	zone              text   not null,     -- IANA name
	state             text   not null,     -- pending, proved, active, on_hold, disabled
	activation_id     text   not null,     -- the newest activation ticket, '' when there is none
	created_at        bigint not null,
	updated_at        bigint not null,
	proved_at         bigint,              -- the address was proved
	activated_at      bigint,
	last_login_at     bigint,
	previous_login_at bigint,              -- the log-in before the last one: what pages show
	deleted_at        bigint
);
create unique index accounts_subject on accounts (subject);
create unique index accounts_email on accounts (email) where deleted_at is null;
create unique index accounts_username on accounts (username) where username is not null;
create unique index accounts_legacy_id on accounts (legacy_id) where legacy_id is not null;
create index accounts_pending on accounts (created_at) where state = 'pending';

-- The passwords of an account, the current one has the highest number. The number is
-- what two changes at once collide on.
create table passwords (
	account_id text   not null references accounts (id) on delete cascade,
	number     bigint not null,
	sealed     bytea  not null, -- Argon2id in PHC form, encrypted
	sealed_by  text   not null, -- the key-encryption key
	changed_at bigint not null,
	primary key (account_id, number)
);

-- Which version of the terms an account accepted, when and in which language.
create table terms_acceptances (
	account_id  text   not null references accounts (id) on delete cascade,
	version     text   not null,
	accepted_at bigint not null,
	language    text   not null,
	primary key (account_id, version)
);

-- A browser that waits for an activation mail. Every sign-up leaves one, whether or
-- not it made an account, so that the page behind it behaves the same.
create table sign_ups (
	id         text   primary key, -- UUIDv7
	digest     bytea  not null,    -- of the secret that the browser holds
	email      text   not null,
	language   text   not null,
	resume     text   not null,    -- the interaction to go on with
	ticket_id  text   not null,    -- the activation ticket, or one that nobody can spend
	created_at bigint not null,
	expires_at bigint not null
);
create index sign_ups_expires_at on sign_ups (expires_at);

-- A browser that is signed in.
create table sessions (
	id           text   primary key, -- UUIDv7; the sid of tokens
	digest       bytea  not null,    -- of the secret in the cookie
	account_id   text   not null references accounts (id) on delete cascade,
	auth_time    bigint not null,
	amr          text   not null,    -- RFC 8176 names, a space between
	acr          text   not null,
	place        text   not null,
	agent        text   not null,
	created_at   bigint not null,
	last_seen_at bigint not null,
	expires_at   bigint not null,    -- whatever happens
	ended_at     bigint
);
create index sessions_account_id on sessions (account_id);
create index sessions_expires_at on sessions (expires_at);

-- A conversation with a person for one authorization request, or for a log-in
-- without a client.
create table interactions (
	id             text    primary key, -- UUIDv7
	browser        bytea   not null,    -- digest of the cookie of the browser it began in
	client_id      text    not null,    -- '' without a client
	client_name    text    not null,
	request        text    not null,    -- the authorization request, encoded
	target         text    not null,    -- where the person wanted to go at the client
	ui_locales     text    not null,
	prompt         text    not null,    -- a space between
	max_age        bigint,              -- seconds
	scopes         text    not null,    -- a space between
	needs_consent  boolean not null,
	login_hint     text    not null,
	email          text    not null,    -- as typed in the first step
	account_id     text    not null,    -- whose password was right, '' until then
	session_id     text    not null,    -- the session that this made
	consent        text    not null,    -- '', allowed, denied
	consented_for  text    not null,    -- the account that answered
	created_at     bigint  not null,
	expires_at     bigint  not null,
	finished_at    bigint
);
create index interactions_created_at on interactions (created_at);

-- What a person allowed a client.
create table consents (
	account_id text   not null references accounts (id) on delete cascade,
	client_id  text   not null,
	scopes     text   not null, -- a space between, in order
	granted_at bigint not null,
	primary key (account_id, client_id)
);

-- Development only: mails as they would have been sent.
create table postbox (
	id        text   primary key, -- UUIDv7
	kind      text   not null,
	recipient text   not null,
	subject   text   not null,
	body      text   not null,
	html      text   not null,
	links     text   not null,    -- JSON list
	code      text   not null,
	at        bigint not null
);
