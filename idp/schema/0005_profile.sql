-- What people may tell about themselves and nobody asks for: the rest of the claims of
-- OpenID Connect Core §5.1. '' is not told.
alter table accounts add column middle_name text not null default '';
alter table accounts add column preferred_username text not null default '';
alter table accounts add column profile text not null default '';   -- URL
alter table accounts add column picture text not null default '';   -- URL
alter table accounts add column website text not null default '';   -- URL
alter table accounts add column gender text not null default '';
alter table accounts add column birthdate text not null default ''; -- YYYY-MM-DD, YYYY, or 0000-MM-DD
alter table accounts add column phone_number text not null default ''; -- E.164
alter table accounts add column phone_verified_at bigint;
alter table accounts add column address text not null default '';   -- JSON, OpenID Connect Core §5.1.1
