-- Who looks for grants by person looks for one client's. An index by session or person
-- puts each new row in a place of its own: two in five pages that a log-in wrote were
-- pages of these two.
drop index grants_session_id;
drop index grants_account_id;
create index grants_person on grants (account_id, client_id);
