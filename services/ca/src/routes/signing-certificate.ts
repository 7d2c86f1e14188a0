/** POST /api/v2/signingCert and its predecessor in v1: fulcio.md sections 1.5 and 1.6. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Audit } from '../audit.ts'
import type {
  Application,
  ApplicationFacts,
  IssueCertificate,
  Issued,
} from '../issuance/issue-certificate.ts'
import { noTracing, type Tracing } from '../tracing.ts'
import { sendJson } from './send-json.ts'
import { parseLegacySigningRequest, parseSigningRequest, tokenOfHeader } from './signing-requests.ts'

/** Issues for a request and leaves a record of it, granted or refused. */
export type IssueFor = (request: FastifyRequest, application: Application) => Promise<Issued>

export function createIssueFor(
  issueCertificate: IssueCertificate,
  audit: Audit,
  tracing: Pick<Tracing, 'traceRequest'> = noTracing,
): IssueFor {
  return async (request, application) => {
    const facts: ApplicationFacts = {}
    try {
      const issued = await tracing.traceRequest('issue certificate', request.headers, () =>
        issueCertificate({ ...application, clientAddress: request.ip }, facts),
      )
      audit.issued(request, facts)
      return issued
    } catch (error) {
      audit.refused(request, facts, error)
      throw error
    }
  }
}

export type SigningCertificateOptions = { readonly issue: IssueFor }

/** As much as Fulcio takes, over HTTP and gRPC. */
const bodyLimit = 4 * 1024 * 1024

export const signingCertificateRoutes: FastifyPluginAsync<SigningCertificateOptions> = async (
  app,
  { issue },
) => {
  // Fulcio looks at no content type: whatever comes is JSON, and nothing is an empty message.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))

  app.post('/api/v2/signingCert', { bodyLimit, onRequest: ignoreContentType }, async (request, reply) => {
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
  })

  app.post('/api/v1/signingCert', { bodyLimit, onRequest: ignoreContentType }, async (request, reply) => {
    const key = parseLegacySigningRequest(bodyOf(request))
    const { chainPem } = await issue(request, {
      identityToken: tokenOfHeader(request.headers.authorization),
      key,
    })
    return reply
      .code(201)
      .header('content-type', 'application/pem-certificate-chain')
      .send(chainPem.map((pem) => pem.trim()).join('\n'))
  })
}

/** Also a content type that is none: the framework would answer 415. */
async function ignoreContentType(request: FastifyRequest): Promise<void> {
  request.raw.headers['content-type'] = 'application/json'
}

function bodyOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array()
}
