// oauth4webapi, every check by hand as it wants it: code flow with PKCE, and
// private_key_jwt with the key in PRIVATE_KEY (a JWK).
import * as oauth from 'oauth4webapi'
import { serve, signingKey } from './site.mjs'

const { SITE, ISSUER, CLIENT_ID } = process.env
const plain = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain))
const client = { client_id: CLIENT_ID, id_token_signed_response_alg: 'ES256' }
const auth = oauth.PrivateKeyJwt(await signingKey())
const mine = {}

const pages = {
  async '/login'() {
    mine.verifier = oauth.generateRandomCodeVerifier()
    mine.state = oauth.generateRandomState()
    mine.nonce = oauth.generateRandomNonce()
    const to = new URL(as.authorization_endpoint)
    for (const [name, value] of Object.entries({
      client_id: CLIENT_ID, redirect_uri: `${SITE}/callback`, response_type: 'code', scope: 'openid profile email offline_access', prompt: 'consent',
      code_challenge: await oauth.calculatePKCECodeChallenge(mine.verifier), code_challenge_method: 'S256', state: mine.state, nonce: mine.nonce,
    })) to.searchParams.set(name, value)
    return to
  },
  async '/callback'(url) {
    const params = oauth.validateAuthResponse(as, client, url, mine.state)
    const answer = await oauth.authorizationCodeGrantRequest(as, client, auth, params, `${SITE}/callback`, mine.verifier, plain)
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: mine.nonce, requireIdToken: true })
    await oauth.validateApplicationLevelSignature(as, answer, plain)
    mine.idToken = tokens.id_token
    const { sub, iss } = oauth.getValidatedIdTokenClaims(tokens)
    const again = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, plain))
    const userinfo = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, again.access_token, plain))
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, again.refresh_token, plain))
    return {
      sub, iss, email: userinfo.email, name: userinfo.name, id_token: tokens.id_token, userinfo,
      refreshed: again.access_token !== tokens.access_token, revoked: true,
    }
  },
  async '/logout'() {
    const to = new URL(as.end_session_endpoint)
    to.searchParams.set('post_logout_redirect_uri', `${SITE}/bye`)
    to.searchParams.set('id_token_hint', mine.idToken)
    return to
  },
}

serve(pages)
