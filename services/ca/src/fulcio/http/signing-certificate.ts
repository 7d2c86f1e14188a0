/** POST /api/v2/signingCert and its predecessor in v1: fulcio.md sections 1.5 and 1.6. */
import type { FastifyRequest } from 'fastify'
import type { Handler } from './route.ts'
import { sendJson } from './send-json.ts'
import { parseLegacySigningRequest, parseSigningRequest, tokenOfHeader } from './signing-requests.ts'

export const signingCertificate: Handler =
  ({ issue }) =>
  async (request, reply) => {
    const { identityToken, key } = parseSigningRequest(bodyOf(request))
    const token = identityToken === '' ? tokenOfHeader(request.headers.authorization) : identityToken
    const { chainPem, sct } = await issue(request, { identityToken: token, key })
    const certificates = chainPem.map((pem) => pem.trim())
    const chain = { certificates }
    return sendJson(
      reply,
      JSON.stringify(
        sct === 'none'
          ? { signedCertificateDetachedSct: { chain, signedCertificateTimestamp: '' } }
          : { signedCertificateEmbeddedSct: { chain } },
      ),
    )
  }

export const legacySigningCertificate: Handler =
  ({ issue }) =>
  async (request, reply) => {
    const key = parseLegacySigningRequest(bodyOf(request))
    const { chainPem } = await issue(request, {
      identityToken: tokenOfHeader(request.headers.authorization),
      key,
    })
    return reply
      .code(201)
      .header('content-type', 'application/pem-certificate-chain')
      .send(chainPem.map((pem) => pem.trim()).join('\n'))
  }

function bodyOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array()
}
