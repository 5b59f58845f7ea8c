"""Authlib's Flask client: code flow with PKCE; client_secret_basic, or private_key_jwt
with the key in PRIVATE_KEY (a JWK)."""
import json
import os
import urllib.parse

from authlib.integrations.flask_client import OAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, redirect, session
from joserfc.jwk import ECKey

env = os.environ
app = Flask(__name__)
app.secret_key = os.urandom(32)
secret, method, by_key = env["CLIENT_SECRET"], "client_secret_basic", None
if "PRIVATE_KEY" in env:
    secret, method, by_key = ECKey.import_key(json.loads(env["PRIVATE_KEY"])), "private_key_jwt", [PrivateKeyJWT(alg="ES256")]
party = OAuth(app).register(
    "tegata", client_id=env["CLIENT_ID"], client_secret=secret, client_auth_methods=by_key,
    server_metadata_url=env["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "token_endpoint_auth_method": method},
)


@app.get("/login")
def login():
    return party.authorize_redirect(env["SITE"] + "/callback")


@app.get("/callback")
def callback():
    token = party.authorize_access_token()  # checks the ID token and its nonce
    session["id_token"] = token["id_token"]
    proved, userinfo = token["userinfo"], party.userinfo(token=token)
    return json.dumps({
        "sub": proved["sub"], "iss": proved["iss"], "email": userinfo["email"], "name": userinfo["name"],
        "id_token": token["id_token"], "userinfo": userinfo,
    })


@app.get("/logout")
def logout():
    to = party.load_server_metadata()["end_session_endpoint"]
    return redirect(to + "?" + urllib.parse.urlencode({
        "id_token_hint": session.pop("id_token"), "post_logout_redirect_uri": env["SITE"] + "/bye"}))


@app.get("/bye")
def bye():
    return "Bye."


@app.errorhandler(Exception)
def refused(e):
    return json.dumps({"error": repr(e)})


app.run(host="127.0.0.1", port=int(env["PORT"]))
