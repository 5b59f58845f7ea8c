-- Sender-constrained tokens: the key or certificate without which a token is worth
-- nothing to whoever found it. JSON with the members of "cnf" (RFC 9449 §6.1,
-- RFC 8705 §3.1), empty for a bearer token.
alter table tokens add column cnf text not null default '';
