// npm's oidc-provider as its readme starts it: the adapter in memory, keys for ES256,
// the clients of the load, and anybody may log in. Refresh tokens are replaced when they
// are used, as ours are; by itself it keeps those of clients with a secret.
// `node server.mjs PORT SECRET`.
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, secret] = process.argv.slice(2)
const issuer = `http://localhost:${port}`
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

const client = (id, grants, more) => ({
  client_id: id,
  client_secret: secret,
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'ES256',
  grant_types: grants,
  redirect_uris: [],
  response_types: [],
  ...more,
})
const person = { redirect_uris: ['http://localhost:1/cb'], response_types: ['code'] }

const provider = new Provider(issuer, {
  clients: [
    client('load-web', ['authorization_code'], person),
    client('load-offline', ['authorization_code', 'refresh_token'], person),
    client('load-machine', ['client_credentials']),
  ],
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'load' }] },
  features: { clientCredentials: { enabled: true }, introspection: { enabled: true } },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name', 'locale'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: id, email_verified: true, given_name: 'Load', family_name: 'Person', locale: 'en' }),
  }),
  cookies: { keys: [secret] },
  rotateRefreshToken: true,
})
provider.listen(Number(port), '127.0.0.1')
