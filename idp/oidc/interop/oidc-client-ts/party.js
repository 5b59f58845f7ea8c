// oidc-client-ts, a public client in the browser: PKCE, and tokens, userinfo and
// revocation across origins. ISSUER and CLIENT_ID are put in by the test. An
// application calls signinRedirect() and signoutRedirect(); the links here are the same
// in two steps, so that a test knows when they are ready.
const site = location.origin
const users = new oidc.UserManager({
  authority: 'ISSUER', client_id: 'CLIENT_ID', redirect_uri: `${site}/callback`, post_logout_redirect_uri: `${site}/bye`,
  scope: 'openid profile email offline_access', prompt: 'consent', loadUserInfo: true, automaticSilentRenew: false,
})
const client = new oidc.OidcClient(users.settings)

function offer(id, request) {
  const link = document.getElementById(id)
  link.href = request.url
  link.hidden = false
}

async function callback() {
  const user = await users.signinRedirectCallback()
  const url = await client.metadataService.getUserInfoEndpoint()
  const answer = await fetch(url, { headers: { authorization: `Bearer ${user.access_token}` } })
  const again = await users.signinSilent() // by refresh token
  await users.revokeTokens(['access_token'])
  offer('out', await client.createSignoutRequest({ id_token_hint: user.id_token, post_logout_redirect_uri: `${site}/bye` }))
  return {
    sub: user.profile.sub, iss: user.profile.iss, email: user.profile.email, name: user.profile.name, id_token: user.id_token,
    userinfo: await answer.json(), refreshed: again.access_token !== user.access_token, revoked: true,
  }
}

async function begin() {
  offer('in', await client.createSigninRequest({}))
  return {}
}

(location.pathname === '/callback' ? callback() : begin())
  .catch((e) => ({ error: `${e}` }))
  .then((what) => { document.getElementById('saw').textContent = JSON.stringify(what) })
