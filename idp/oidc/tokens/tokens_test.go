package tokens_test

import (
	"encoding/json"
	"testing"

	"tegata/idp/oidc/claims"
	"tegata/idp/oidc/object"
	"tegata/idp/oidc/target"
	"tegata/idp/oidc/tokens"
)

// Answers leave out what they do not know, and an audience of one is no list.
func TestAnswersAreWritten(t *testing.T) {
	for want, v := range map[string]object.Writes{
		`{"active":false}`: tokens.Introspection{},
		`{"active":true,"aud":"a","cnf":{"jkt":"k"}}`:               tokens.Introspection{Active: true, Audience: tokens.Audience{"a"}, Bound: tokens.Confirmation{JKT: "k"}},
		`{"active":true,"aud":["a","b"],"act":{"sub":"s"}}`:         tokens.Introspection{Active: true, Audience: tokens.Audience{"a", "b"}, Actor: &tokens.Actor{Subject: "s"}},
		`{"access_token":"t","token_type":"Bearer","expires_in":0}`: tokens.Answer{AccessToken: "t", TokenType: "Bearer"},
		`{"access_token":"t","token_type":"DPoP","expires_in":60,"refresh_token":"r","id_token":"i","scope":"a b","issued_token_type":"u","authorization_details":[{"type":"x"}]}`: tokens.Answer{
			AccessToken: "t", TokenType: "DPoP", ExpiresIn: 60, RefreshToken: "r", IDToken: "i", Scope: "a b", IssuedTokenType: "u", Details: target.Details{json.RawMessage(`{"type":"x"}`)}},
		`{"iss":"i","sub":"s","aud":"a","exp":2,"iat":1}`: tokens.IDToken{Issuer: "i", Subject: "s", Audience: "a", Expires: 2, Issued: 1},
		`{"iss":"i","sub":"s","aud":"a","exp":2,"iat":1,"jti":"g.1","auth_time":1,"nonce":"n","acr":"0","amr":["pwd"],"sid":"d","at_hash":"h","c_hash":"c","may_act":{"sub":"m"},"email":"e"}`: tokens.IDToken{
			Issuer: "i", Subject: "s", Audience: "a", Expires: 2, Issued: 1, ID: "g.1", AuthTime: 1, Nonce: "n", ACR: "0", AMR: []string{"pwd"}, SID: "d",
			AccessHash: "h", CodeHash: "c", MayAct: &tokens.Actor{Subject: "m"}, More: claims.Set{{Name: "email", Value: "e"}}},
	} {
		if got, err := object.Marshal(v); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestAConfirmationIsKeptAsText(t *testing.T) {
	for _, want := range []tokens.Confirmation{{}, {JKT: "a"}, {X5T: "b"}, {JKT: "a", X5T: "b"}} {
		got, err := tokens.ReadConfirmation(want.Text())
		if err != nil || got != want || got.Bound() == (want.Text() == "") {
			t.Errorf("%+v is kept as %q and read as %+v, %v", want, want.Text(), got, err)
		}
	}
}
