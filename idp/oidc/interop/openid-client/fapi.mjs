// openid-client with a pushed request and tokens bound by DPoP. PROFILE says how much of
// FAPI 2.0 there is: "" (a secret), security (a key, answers signed: JARM), or
// message_signing (requests signed as well: JAR).
import * as oidc from 'openid-client'
import { serve, signingKey } from './site.mjs'

const { SITE, ISSUER, CLIENT_ID, CLIENT_SECRET, PROFILE } = process.env
const key = PROFILE && await signingKey()
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, {
  id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256',
}, PROFILE ? oidc.PrivateKeyJwt(key) : oidc.ClientSecretBasic(CLIENT_SECRET), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks, ...(PROFILE ? [oidc.useJwtResponseMode] : [])],
})
const mine = {} // of the one person who logs in here

serve({
  async '/login'() {
    mine.verifier = oidc.randomPKCECodeVerifier()
    mine.state = oidc.randomState()
    mine.nonce = oidc.randomNonce()
    mine.DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    let params = new URLSearchParams({
      redirect_uri: `${SITE}/callback`,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      code_challenge: await oidc.calculatePKCECodeChallenge(mine.verifier),
      code_challenge_method: 'S256',
      state: mine.state,
      nonce: mine.nonce,
    })
    if (PROFILE === 'message_signing') params = (await oidc.buildAuthorizationUrlWithJAR(config, params, key)).searchParams
    return oidc.buildAuthorizationUrlWithPAR(config, params, { DPoP: mine.DPoP })
  },
  async '/callback'(url) {
    const { DPoP } = mine
    const tokens = await oidc.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: mine.verifier, expectedState: mine.state, expectedNonce: mine.nonce, idTokenExpected: true,
    }, undefined, { DPoP })
    mine.idToken = tokens.id_token
    const { sub, iss } = tokens.claims()
    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    const userinfo = await oidc.fetchUserInfo(config, again.access_token, sub, { DPoP })
    await oidc.tokenRevocation(config, again.refresh_token ?? tokens.refresh_token)
    return {
      sub, iss, email: userinfo.email, name: userinfo.name, id_token: tokens.id_token, userinfo, token_type: tokens.token_type,
      signed: url.searchParams.has('response'), refreshed: again.access_token !== tokens.access_token, revoked: true,
    }
  },
  async '/logout'() {
    return oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${SITE}/bye`, id_token_hint: mine.idToken })
  },
})
