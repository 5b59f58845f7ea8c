// An API in Express that takes access tokens of RFC 9068 for https://orders.example/.
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'

const { PORT, ISSUER, AUDIENCE } = process.env
const app = express()
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, tokenSigningAlg: 'ES256', strict: true }))
app.get('/orders', requiredScopes('orders.read'), (req, res) => res.json(req.auth.payload))
app.get('/orders/new', requiredScopes('orders.write'), (req, res) => res.json(req.auth.payload))
app.listen(PORT, '127.0.0.1')
