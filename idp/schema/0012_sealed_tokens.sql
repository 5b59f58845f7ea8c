-- Codes and access tokens carry what they stand for, sealed, and refresh tokens are
-- columns of their grant: a log-in is one row. Access tokens from before end with this,
-- and so do refresh tokens: their clients ask for a new log-in, which a browser that is
-- still signed in goes through by itself.

-- What codes and access tokens are sealed with (idp/oidc/sealing): a new key each day.
create table token_keys (
	id         text   primary key, -- 8 random bytes in hex, which what it sealed begins with
	sealed     bytea  not null,    -- by the key-encryption key
	sealed_by  text   not null,
	created_at bigint not null
);

-- Access tokens that were revoked one by one (RFC 7009). Most end with their grant.
create table ended_tokens (
	id         text   primary key, -- jti
	expires_at bigint not null     -- when the token would have ended by itself
);
create index ended_tokens_expires_at on ended_tokens (expires_at);

-- The refresh token of a grant: the one that counts, and enough of the one before it to
-- answer once more a client whose answer got lost.
alter table grants add column turn bigint not null default 0; -- how many there have been
alter table grants add column family bytea;         -- SHA-256 of what all of them have in common
alter table grants add column refresh_digest bytea; -- SHA-256 of the secret of the last one
alter table grants add column refresh_before bytea; -- of the one before
alter table grants add column refresh_cnf text not null default ''; -- the key it is bound to, as "cnf"
alter table grants add column refresh_until bigint; -- when it expires
alter table grants add column turned_at bigint;     -- when it took the place of the one before
alter table grants add column used_at bigint;       -- when tokens were last given

drop table tokens;
drop table client_tokens;
