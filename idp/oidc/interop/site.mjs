// The web site that every partner in Node is: pages give a URL to go on to, or an
// object to show as JSON; what they throw is shown as well.
import { createServer } from 'node:http'

const { PORT, SITE } = process.env

export function serve(pages) {
  const all = { '/bye': async () => ({ bye: true }), ...pages }
  createServer(async (req, res) => {
    const url = new URL(req.url, SITE)
    try {
      const answer = await all[url.pathname](url)
      answer instanceof URL ? res.writeHead(302, { location: answer.href }).end() : res.end(JSON.stringify(answer))
    } catch (e) {
      res.end(JSON.stringify({ error: `${e.code ?? ''} ${e.error ?? ''} ${e.message} ${JSON.stringify(e.cause ?? '')}` }))
    }
  }).listen(PORT, '127.0.0.1')
}

// signingKey reads the private key (a JWK) that the test gave us.
export async function signingKey() {
  const jwk = JSON.parse(process.env.PRIVATE_KEY)
  return { key: await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']), kid: jwk.kid }
}
