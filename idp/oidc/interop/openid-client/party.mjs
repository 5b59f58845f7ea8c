// openid-client as its README has it: code flow with PKCE, client_secret_basic, the ID
// token's signature checked, a refresh and a revocation.
import * as oidc from 'openid-client'
import { serve } from './site.mjs'

const { SITE, ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
})
const mine = {} // of the one person who logs in here

const pages = {
  async '/login'() {
    mine.verifier = oidc.randomPKCECodeVerifier()
    mine.state = oidc.randomState()
    mine.nonce = oidc.randomNonce()
    return oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${SITE}/callback`,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      code_challenge: await oidc.calculatePKCECodeChallenge(mine.verifier),
      code_challenge_method: 'S256',
      state: mine.state,
      nonce: mine.nonce,
    })
  },
  async '/callback'(url) {
    const tokens = await oidc.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: mine.verifier, expectedState: mine.state, expectedNonce: mine.nonce, idTokenExpected: true,
    })
    mine.idToken = tokens.id_token
    const { sub, iss } = tokens.claims()
    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    const userinfo = await oidc.fetchUserInfo(config, again.access_token, sub)
    await oidc.tokenRevocation(config, again.refresh_token)
    return {
      sub, iss, email: userinfo.email, name: userinfo.name, id_token: tokens.id_token, userinfo,
      refreshed: again.access_token !== tokens.access_token, revoked: true,
    }
  },
  async '/logout'() {
    return oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${SITE}/bye`, id_token_hint: mine.idToken })
  },
}

serve(pages)
