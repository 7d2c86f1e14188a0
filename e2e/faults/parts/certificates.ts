/** A client of the CA during a fault: it may be told to come back, and nothing else. */
import type { Endpoints } from '@sigstack/stack'
import { signingRequest } from '../../load/requests.ts'
import { trialToken } from '../../support/stack-process.ts'

const email = 'faults@example.org'

/** Throws on any other answer than 200, and 503 with Retry-After. */
export async function askForCertificate(endpoints: Endpoints): Promise<'issued' | 'refused'> {
  const { body } = signingRequest(await trialToken(endpoints, email), email)
  const answer = await fetch(`${endpoints.services.ca}/api/v2/signingCert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const text = await answer.text()
  if (answer.status === 200) return 'issued'
  if (answer.status === 503 && answer.headers.get('retry-after') !== null) return 'refused'
  throw new Error(`the CA answered ${answer.status}: ${text}`)
}
