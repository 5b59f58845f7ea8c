-- A candidate is a person seeking or holding certifications. Who it is hangs on the
-- external IDs below, never on name or e-mail, which are only what the provider said
-- at the last log-in. state: provisional until the first log-in is complete, then active.
create table candidates (
    id                 text   primary key,
    state              text   not null,
    given_name         text   not null,
    family_name        text   not null,
    email              text   not null,
    country            text   not null,
    zone               text   not null,
    company            text   not null,
    company_updated_at bigint,
    first_booked_on    text   not null,
    created_at         bigint not null,
    updated_at         bigint not null,
    last_login_at      bigint
);

-- The number or name of a candidate elsewhere. system: account (issuer and subject at
-- the OpenID Provider), csco, vue, credly, ccde, ccie, devnet, netacad. state: active
-- or superseded. A superseded CSCO ID stays reserved for ever: old papers carry it.
create table external_ids (
    id           text   primary key,
    candidate_id text   not null references candidates (id),
    system       text   not null,
    issuer       text   not null,
    value        text   not null,
    state        text   not null,
    linked_by    text   not null,
    linked_at    bigint not null,
    ended_at     bigint
);

-- One live owner for each ID, and one live ID of each kind for each candidate.
create unique index external_ids_live on external_ids (system, issuer, value) where state = 'active';
create unique index external_ids_own on external_ids (candidate_id, system) where state = 'active';
create unique index external_ids_csco on external_ids (value) where system = 'csco';

-- Where post goes: kind mailing for now. Always in roman letters.
create table addresses (
    id           text   primary key,
    candidate_id text   not null references candidates (id),
    kind         text   not null,
    recipient    text   not null,
    line1        text   not null,
    line2        text   not null,
    city         text   not null,
    region       text   not null,
    postcode     text   not null,
    country      text   not null,
    phone        text   not null,
    created_at   bigint not null,
    updated_at   bigint not null
);
create unique index addresses_kind on addresses (candidate_id, kind);

create table settings (
    candidate_id  text   primary key references candidates (id),
    language      text   not null,
    zone          text   not null,
    communication text   not null,
    created_at    bigint not null,
    updated_at    bigint not null
);

-- A browser signed in at the tracker. digest is of the secret in its cookie; id_token
-- is sealed and serves sign-out alone; sid and subject find the sessions that the
-- provider ends; wanted is the page the person asked for before the log-in.
create table tracker_sessions (
    id           text   primary key,
    digest       bytea  not null,
    candidate_id text   not null references candidates (id),
    issuer       text   not null,
    subject      text   not null,
    sid          text   not null,
    id_token     bytea  not null,
    wanted       text   not null,
    created_at   bigint not null,
    seen_at      bigint not null,
    expires_at   bigint not null,
    ended_at     bigint
);
create index tracker_sessions_candidate on tracker_sessions (candidate_id);
create index tracker_sessions_subject on tracker_sessions (issuer, subject);
create index tracker_sessions_expiry on tracker_sessions (expires_at);
