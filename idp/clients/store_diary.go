package clients

import (
	"context"
	"encoding/json"
	"time"

	"tegata/shared/db"
)

// diaryStore is the table of client requests.
type diaryStore struct{ DB *db.DB }

// insert writes a request of a client that is registered.
func (s diaryStore) insert(ctx context.Context, r Request) error {
	details, err := json.Marshal(r.Details)
	if err != nil {
		return err
	}
	_, err = s.DB.Exec(ctx, `
		insert into client_requests (id, client_id, at, endpoint, outcome, reason, details)
		select $1, id, $3, $4, $5, $6, $7 from clients where id = $2`,
		r.ID, r.ClientID, r.At, r.Endpoint, r.Outcome, string(r.Reason), string(details))
	return err
}

// trim keeps the newest requests of the client, and what Takers look for: see DiaryKeeps.
func (s diaryStore) trim(ctx context.Context, clientID string) error {
	_, err := s.DB.Exec(ctx, `
		delete from client_requests where client_id = $1 and id < (
			select min(id) from (
				select id from client_requests where client_id = $1 order by id desc limit $2) newest)
		and id not in (
			select max(id) from client_requests
			where client_id = $1 and details like $3 and outcome = 'ok' group by endpoint)`,
		clientID, DiaryKeeps, signedLike(usualAlg))
	return err
}

// signedLike is the pattern of the details of an answer that was signed with the
// algorithm. The marks of the JSON are part of it: what a stranger sent has a backslash
// before them.
func signedLike(alg string) string { return `%"` + DetailSigned + `":"` + alg + `"%` }

// signedWith gives by client what answers were signed for it since, with an algorithm
// that the request's details name.
func (s diaryStore) signedWith(ctx context.Context, alg string, since time.Time) (map[string][]Signed, error) {
	all := map[string][]Signed{}
	_, err := db.Collect(ctx, s.DB, `
		select distinct client_id, endpoint from client_requests
		where details like $1 and outcome = 'ok' and at > $2`, db.Args(signedLike(alg), since),
		func(scan db.Scan) (struct{}, error) {
			var id, endpoint string
			err := scan(&id, &endpoint)
			what := AuthorizationAnswers
			if endpoint == "introspect" {
				what = IntrospectionAnswers
			}
			all[id] = append(all[id], what)
			return struct{}{}, err
		})
	return all, err
}

func (s diaryStore) last(ctx context.Context, clientID string) ([]Request, error) {
	return db.Collect(ctx, s.DB, `
		select id, client_id, at, endpoint, outcome, reason, details from client_requests
		where client_id = $1 order by id desc limit $2`, db.Args(clientID, DiaryKeeps),
		func(scan db.Scan) (r Request, err error) {
			var details string
			if err = scan(&r.ID, &r.ClientID, &r.At, &r.Endpoint, &r.Outcome, (*string)(&r.Reason), &details); err != nil {
				return r, err
			}
			return r, json.Unmarshal([]byte(details), &r.Details)
		})
}
