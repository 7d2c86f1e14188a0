/** What a service said, as a sentence for whoever signs, with what helps. */
import { escaped, withoutTokens } from '@sigstack/crypto'
import { proxyAdvice } from '@sigstack/http-client'
import { SigningError } from '../errors.ts'
import { ServiceError } from './ask-service.ts'

const refusalsOf = {
  'The certificate authority': {
    400: 'Check the identity token: its issuer, audience and age must suit the certificate authority.',
    401: 'Check the identity token: its issuer, audience and age must suit the certificate authority.',
    403: 'Its policy decides that; `sigstack ca explain` tells its operator which rule.',
  },
  'The transparency log': {
    403: 'Its admission rules decide that; its operator can tell which.',
    405: 'It has its last entry, or is read only. Fetch the trust anew (`sigstack init`); else ask its operator which log goes on.',
    501: 'It takes no new entries. Ask its operator which log does, and fetch the trust anew.',
  },
  'The timestamp authority': {},
} as const satisfies Record<string, Readonly<Record<number, string>>>

type Service = keyof typeof refusalsOf

/** Throws `not_signed` where `work` is refused. */
export async function explained<Result>(who: Service, url: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const said = escaped(withoutTokens(error.message), 1000)
    throw new SigningError('not_signed', `${who} at ${url} refused or failed: ${said}`, {
      cause: error,
      advice: proxyAdvice(error) ?? adviceFor(who, error.status),
    })
  }
}

/** What helps against this refusal of this service; nothing where only its own words do. */
function adviceFor(who: Service, status: number | undefined): string | undefined {
  if (status === undefined) return 'Check that the service runs and that its URL can be reached from here.'
  const refusals: Readonly<Record<number, string>> = refusalsOf[who]
  if (refusals[status] !== undefined) return refusals[status]
  if (status === 429) return 'That is a limit of its operator: wait a little and try again.'
  if (status === 501 || status < 500) return undefined
  return 'Try again in a moment; if it stays so, look into the log of the service.'
}
