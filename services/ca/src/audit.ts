/**
 * One record for every certificate issued or refused, and one before each signature of the CA's key: who, for which key,
 * from where. Never a token.
 */
import { quoted, sha256, toHex } from '@sigstack/crypto'
import { parseAddress } from '@sigstack/limits'
import type { FastifyRequest } from 'fastify'
import type { ApplicationFacts, SigningIntent } from './issuance/issue-certificate.ts'
import type { CaMetrics } from './metrics.ts'
import { IssuanceError } from './refusals.ts'

export type Audit = {
  /** Before the signature, so that no certificate exists without a record. */
  signing(request: FastifyRequest, facts: ApplicationFacts, intent: SigningIntent): void
  issued(request: FastifyRequest, facts: ApplicationFacts): void
  refused(request: FastifyRequest, facts: ApplicationFacts, error: unknown): void
}

export function createAudit(metrics: CaMetrics): Audit {
  return {
    signing(request, facts, { what, tbs }) {
      // Twice for each certificate, so nothing is hashed that nobody reads.
      if (!isRead(request.log.level)) return
      const tbsHash = toHex(sha256(tbs))
      const audit = { decision: 'signing', what, tbsHash, ...facts, client: request.ip }
      request.log.info({ audit }, 'signature begun')
    },
    issued(request, facts) {
      metrics.newCertificates.inc()
      request.log.info(
        { audit: { decision: 'issued', ...facts, client: clientOf(request) } },
        'certificate issued',
      )
    },
    refused(request, facts, error) {
      const expected = error instanceof IssuanceError
      const code = expected ? error.code : 'internal'
      metrics.refusals.inc({ reason: (expected ? error.refusal : undefined) ?? code })
      const reason = expected ? error.message : 'internal error'
      const refusal = expected && error.refusal !== undefined ? { refusal: error.refusal } : {}
      const rule = expected && error.rule !== undefined ? { rule: error.rule } : {}
      request.log.info(
        {
          audit: {
            decision: 'refused',
            code,
            ...refusal,
            ...rule,
            reason,
            ...facts,
            client: clientOf(request),
          },
        },
        'certificate refused',
      )
    },
  }
}

/** Not the port of a connection, which some proxies write behind the address. */
function clientOf({ ip }: FastifyRequest): string {
  return parseAddress(ip)?.text ?? `no address: ${quoted(ip, 60)}`
}

/** Whether records at `info` are kept at this level. */
function isRead(level: string): boolean {
  return level === 'info' || level === 'debug' || level === 'trace'
}
