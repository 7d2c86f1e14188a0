/** One record for every certificate issued or refused: who, for which key, from where. Never a token. */
import type { FastifyRequest } from 'fastify'
import { IssuanceError } from './issuance/issuance-error.ts'
import type { ApplicationFacts } from './issuance/issue-certificate.ts'
import type { CaMetrics } from './metrics.ts'

export type Audit = {
  issued(request: FastifyRequest, facts: ApplicationFacts): void
  refused(request: FastifyRequest, facts: ApplicationFacts, error: unknown): void
}

export function createAudit(metrics: CaMetrics): Audit {
  return {
    issued(request, facts) {
      metrics.newCertificates.inc()
      request.log.info({ audit: { decision: 'issued', ...facts, client: request.ip } }, 'certificate issued')
    },
    refused(request, facts, error) {
      const expected = error instanceof IssuanceError
      const code = expected ? error.code : 'internal'
      metrics.refusals.inc({ reason: (expected ? error.refusal : undefined) ?? code })
      const reason = expected ? error.message : 'internal error'
      const refusal = expected && error.refusal !== undefined ? { refusal: error.refusal } : {}
      const rule = expected && error.rule !== undefined ? { rule: error.rule } : {}
      request.log.info(
        { audit: { decision: 'refused', code, ...refusal, ...rule, reason, ...facts, client: request.ip } },
        'certificate refused',
      )
    },
  }
}
