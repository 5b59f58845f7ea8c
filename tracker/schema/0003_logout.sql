-- The provider tells which of its sessions ended; those of ours are found by it.
create index tracker_sessions_sid on tracker_sessions (issuer, sid);

-- Sessions of the provider that it ended: a log-in that was under way in one of them
-- makes no session any more. Times are microseconds since 1970, UTC.
create table ended_sids (
    issuer   text   not null,
    sid      text   not null,
    ended_at bigint not null,
    primary key (issuer, sid)
);
create index ended_sids_ended_at on ended_sids (ended_at);
