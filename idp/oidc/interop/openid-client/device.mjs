// openid-client as a device without a browser (RFC 8628): /login shows the code that a
// person types elsewhere, /callback waits for the answer.
import * as oidc from 'openid-client'
import { serve } from './site.mjs'

const { SITE, ISSUER, CLIENT_ID } = process.env
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.None(), {
  execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
})
const mine = {}

serve({
  async '/login'() {
    mine.asked = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile email offline_access' })
    const { user_code, verification_uri, verification_uri_complete } = mine.asked
    return { user_code, verification_uri, verification_uri_complete }
  },
  async '/callback'() {
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, mine.asked)
    mine.idToken = tokens.id_token
    const { sub, iss } = tokens.claims()
    const again = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    const userinfo = await oidc.fetchUserInfo(config, again.access_token, sub)
    await oidc.tokenRevocation(config, again.refresh_token)
    return {
      sub, iss, email: userinfo.email, name: userinfo.name, id_token: tokens.id_token, userinfo, token_type: tokens.token_type,
      refreshed: again.access_token !== tokens.access_token, revoked: true,
    }
  },
  async '/logout'() {
    return oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${SITE}/bye`, id_token_hint: mine.idToken })
  },
})
