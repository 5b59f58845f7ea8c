// oauth4webapi with everything FAPI 2.0 wants, by hand: private_key_jwt, a pushed
// request, tokens bound by DPoP with the provider's nonces, and a signed answer (JARM).
import * as oauth from 'oauth4webapi'
import { serve, signingKey } from './site.mjs'

const { SITE, ISSUER, CLIENT_ID } = process.env
const plain = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain))
const client = { client_id: CLIENT_ID, id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' }
const auth = oauth.PrivateKeyJwt(await signingKey())
const mine = { nonces: 0 }

// bound asks, and once more when the provider wants one of its nonces in the proof.
async function bound(ask, process) {
  try {
    return await process(await ask({ ...plain, DPoP: mine.DPoP }))
  } catch (e) {
    if (!oauth.isDPoPNonceError(e)) throw e
    mine.nonces++
    return process(await ask({ ...plain, DPoP: mine.DPoP }))
  }
}

serve({
  async '/login'() {
    mine.verifier = oauth.generateRandomCodeVerifier()
    mine.state = oauth.generateRandomState()
    mine.nonce = oauth.generateRandomNonce()
    mine.DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    mine.nonces = 0
    const params = new URLSearchParams({
      redirect_uri: `${SITE}/callback`, response_type: 'code', response_mode: 'jwt', scope: 'openid profile email offline_access', prompt: 'consent',
      code_challenge: await oauth.calculatePKCECodeChallenge(mine.verifier), code_challenge_method: 'S256', state: mine.state, nonce: mine.nonce,
    })
    const pushed = await bound(o => oauth.pushedAuthorizationRequest(as, client, auth, params, o),
      r => oauth.processPushedAuthorizationResponse(as, client, r))
    const to = new URL(as.authorization_endpoint)
    to.searchParams.set('client_id', CLIENT_ID)
    to.searchParams.set('request_uri', pushed.request_uri)
    return to
  },
  async '/callback'(url) {
    const params = await oauth.validateJwtAuthResponse(as, client, url, mine.state, plain)
    let signed
    const tokens = await bound(o => oauth.authorizationCodeGrantRequest(as, client, auth, params, `${SITE}/callback`, mine.verifier, o),
      r => oauth.processAuthorizationCodeResponse(as, client, signed = r, { expectedNonce: mine.nonce, requireIdToken: true }))
    await oauth.validateApplicationLevelSignature(as, signed, plain)
    mine.idToken = tokens.id_token
    const { sub, iss } = oauth.getValidatedIdTokenClaims(tokens)
    const again = await bound(o => oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, o),
      r => oauth.processRefreshTokenResponse(as, client, r))
    const userinfo = await bound(o => oauth.userInfoRequest(as, client, again.access_token, o),
      r => oauth.processUserInfoResponse(as, client, sub, r))
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.refresh_token, plain))
    return {
      sub, iss, email: userinfo.email, name: userinfo.name, id_token: tokens.id_token, userinfo, token_type: tokens.token_type,
      signed: url.searchParams.has('response'), nonces: mine.nonces > 0, refreshed: again.access_token !== tokens.access_token, revoked: true,
    }
  },
  async '/logout'() {
    const to = new URL(as.end_session_endpoint)
    to.searchParams.set('post_logout_redirect_uri', `${SITE}/bye`)
    to.searchParams.set('id_token_hint', mine.idToken)
    return to
  },
})
