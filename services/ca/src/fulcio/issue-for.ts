/** What both faces do for a request: the limit of its address, the certificate, and the records of both. */
import type { FastifyRequest } from 'fastify'
import type { Audit } from '../audit.ts'
import type { IssuanceLimits } from '../issuance/dependencies.ts'
import type {
  Application,
  ApplicationFacts,
  IssueCertificate,
  Issued,
} from '../issuance/issue-certificate.ts'
import { noTracing, type Tracing } from '../tracing.ts'

/** Over HTTP and gRPC. The largest request, a token and a certificate request of RSA, has some 30 kB. */
export const requestLimitBytes = 256 * 1024

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
        issueCertificate(application, facts, (intent) => audit.signing(request, facts, intent)),
      )
      audit.issued(request, facts)
      return issued
    } catch (error) {
      audit.refused(request, facts, error)
      throw error
    }
  }
}

/** Called before anything of the body is read. Throws `too_many_requests`. */
export type AdmitAddress = (request: FastifyRequest) => Promise<void>

/** The limit of the client's address. Leaves a record of a refusal. */
export function createAdmitAddress(limits: IssuanceLimits | undefined, audit: Audit): AdmitAddress {
  return async (request) => {
    try {
      await limits?.admitAddress(request.ip)
    } catch (error) {
      audit.refused(request, {}, error)
      throw error
    }
  }
}
