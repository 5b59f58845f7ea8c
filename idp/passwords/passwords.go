// Package passwords knows what a good password is and how one is kept.
//
//	Rules, Check, Problem    the rules, met or not, for pages and for refusals (policy.go)
//	Common                   whether it is one of those that everybody tries (common.go)
//	Hasher                   Argon2id, so many at a time; Begins hears of each (hash.go, phc.go)
//	Reused, Cooldown         not one of the last eight, not twice in an hour (history.go)
//	Store                    the passwords of an account (store.go)
//
// A password is text in Unicode normal form C: the same word typed on two keyboards
// is the same password. Nothing is trimmed. The space is a character like any other,
// only not a symbol. The database keeps the Argon2id hash encrypted under the
// key-encryption key: without that key a stolen table cannot even be guessed at, and
// unlike a keyed digest it survives a change of the key (`keys rewrap`).
package passwords
