/** What the CA tells about itself: chains, issuers, health (fulcio.md sections 1.7 to 1.9). */
import { chainsPem, describeIssuer } from '../published.ts'
import type { Handler } from './route.ts'
import { sendJson } from './send-json.ts'

export const trustBundle: Handler =
  ({ chains }) =>
  (_request, reply) =>
    sendJson(reply, JSON.stringify({ chains: chainsPem(chains()).map((certificates) => ({ certificates })) }))

export const configuration: Handler =
  ({ issuers }) =>
  (_request, reply) =>
    sendJson(reply, JSON.stringify({ issuers: issuers().map(describeIssuer) }))

export const rootCert: Handler =
  ({ chains }) =>
  (_request, reply) =>
    reply.header('content-type', 'application/pem-certificate-chain').send(
      chainsPem(chains())
        .flat()
        .map((pem) => `${pem}\n`)
        .join('')
        .trim(),
    )

export const health: Handler = () => (_request, reply) => sendJson(reply, '{"status":"SERVING"}')
