/** What both faces do for a request: the limit of its address, its turn, the certificate, and the records of all. */
import { askerOf, type Turnstile } from '@sigstack/limits/turnstile'
import type { FastifyRequest } from 'fastify'
import type { Audit } from '../audit.ts'
import type { IssuanceLimits } from '../issuance/dependencies.ts'
import type {
  Application,
  ApplicationFacts,
  IssuanceCompany,
  IssueCertificate,
  Issued,
} from '../issuance/issue-certificate.ts'
import { noTracing, type Tracing } from '../tracing.ts'
import { tooBusy } from '../turns.ts'

/** Over HTTP and gRPC. The largest request, a token and a certificate request of RSA, has some 30 kB. */
export const requestLimitBytes = 256 * 1024

/** Issues for a request and leaves a record of it, granted or refused. */
export type IssueFor = (request: FastifyRequest, application: Application) => Promise<Issued>

export type IssueForOptions = {
  readonly issueCertificate: IssueCertificate
  readonly turnstile: Turnstile
  readonly audit: Audit
  readonly tracing?: Pick<Tracing, 'traceRequest'> | undefined
}

export function createIssueFor(options: IssueForOptions): IssueFor {
  const { issueCertificate, turnstile, audit, tracing = noTracing } = options
  return async (request, application) => {
    const facts: ApplicationFacts = {}
    const company: IssuanceCompany = {
      facts,
      onSigning: (intent) => audit.signing(request, facts, intent),
      inTurn: (work) => turnstile.pass(askerOf(request), work),
    }
    try {
      const issued = await tracing.traceRequest('issue certificate', request.headers, () =>
        issueCertificate(application, company),
      )
      audit.issued(request, facts)
      return issued
    } catch (error) {
      audit.refused(request, facts, error)
      throw error
    }
  }
}

/** Called before anything of the body is read. Throws `too_busy` and `too_many_requests`. */
export type Admit = (request: FastifyRequest) => Promise<void>

/** There is a turn to be had, and the limit of the client's address allows it. Leaves a record of a refusal. */
export function createAdmit(limits: IssuanceLimits | undefined, turnstile: Turnstile, audit: Audit): Admit {
  return async (request) => {
    try {
      if (!turnstile.isOpen(askerOf(request))) throw tooBusy()
      await limits?.admitAddress(request.ip)
    } catch (error) {
      audit.refused(request, {}, error)
      throw error
    }
  }
}
