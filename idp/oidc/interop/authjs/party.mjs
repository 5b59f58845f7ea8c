// Auth.js in an Express application: a provider that is not in its list. It adds PKCE,
// state and nonce by itself.
import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const { PORT, SITE, ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env
const config = {
  trustHost: true,
  secret: 'a secret of the application, 32 characters',
  providers: [{
    id: 'tegata', name: 'Tegata', type: 'oidc', issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET,
    checks: ['pkce', 'state', 'nonce'],
    client: { token_endpoint_auth_method: 'client_secret_basic' },
    idToken: false, // the profile comes from userinfo
  }],
  callbacks: {
    jwt({ token, account, profile }) {
      return account ? { ...token, id_token: account.id_token, userinfo: profile } : token
    },
    session({ session, token }) {
      return { ...session, id_token: token.id_token, userinfo: token.userinfo }
    },
  },
}

const app = express()
app.set('trust proxy', true)
app.get('/login', (req, res) => res.redirect(`/auth/signin?callbackUrl=${encodeURIComponent(`${SITE}/saw`)}`))
app.get('/saw', async (req, res) => {
  const session = await getSession(req, config)
  if (!session) return res.json({ error: 'nobody is signed in' })
  const { sub, email, name } = session.userinfo
  res.json({ sub, iss: ISSUER, email, name, id_token: session.id_token, userinfo: session.userinfo })
})
app.get('/logout', async (req, res) => {
  const { id_token } = await getSession(req, config)
  res.clearCookie('authjs.session-token')
  res.redirect(`${ISSUER}/oauth2/logout?${new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: `${SITE}/bye` })}`)
})
app.get('/bye', (req, res) => res.send('Bye.'))
app.use('/auth', ExpressAuth(config))
app.listen(PORT, '127.0.0.1')
