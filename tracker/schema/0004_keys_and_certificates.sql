-- Both programs have this file, byte for byte, under numbers of their own.

-- Keys that ended, by name, also when their rows are gone: none may come back with an
-- export that was made before (keys import).
create table ended_keys (
	kid       text   primary key,
	alg       text   not null,
	ended_at  bigint not null,
	purged_at bigint           -- when its row was deleted
);
insert into ended_keys (kid, alg, ended_at)
select kid, alg, coalesce(retired_at, revoked_at, created_at) from signing_keys where state in ('retired', 'revoked');

-- What a certificate authority gave us by ACME, and our account there: all nodes share
-- it. Names are those of the ACME client, host names mostly.
create table certificates (
	name       text   primary key,
	box        bytea  not null, -- sealed: private keys are in it
	sealed_by  text   not null, -- the key-encryption key
	updated_at bigint not null
);

-- Who asks the authority for a certificate right now: of several nodes one.
create table certificate_orders (
	name   text   primary key, -- of the certificate
	holder text   not null,    -- the program that asks
	until  bigint not null
);
