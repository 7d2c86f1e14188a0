/** When trust material ends: of the authorities of a trusted root, and of the metadata of a TUF repository. */
import { memberAt } from '@sigstack/crypto'
import type { CertificateAuthority, TrustedRoot } from '@sigstack/trust-root'
import { parseCertificate } from '@sigstack/x509'
import { badAnswer, demandJson } from '../following/ask.ts'
import { countMember } from '../following/json-members.ts'

export type Ending = {
  /** As people call it. */
  readonly what: string
  readonly endsAt: Date
  /** Made anew so often that only the last two days of it are a cause for alarm. */
  readonly isShortLived: boolean
}

/** Of each kind the authority that ends last: what follows one another is no alarm. */
export function endingsOfRoot(root: TrustedRoot): readonly Ending[] {
  const kinds = [
    ['the certificate authority', root.certificateAuthorities],
    ['the timestamp authority', root.timestampAuthorities],
  ] as const
  return kinds.flatMap(([what, authorities]) => {
    const ends = authorities.map(endOf)
    if (ends.length === 0) return []
    return { what, endsAt: new Date(Math.max(...ends)), isShortLived: false }
  })
}

/** Of the certificate of its chain that ends first, or when it is believed no longer. */
function endOf({ chain, validFor }: CertificateAuthority): number {
  const ends = chain.map((certificate) => parseCertificate(certificate).notAfter.getTime())
  return Math.min(...ends, ...(validFor.end === undefined ? [] : [validFor.end.getTime()]))
}

/**
 * As the repository shows them; whether they are signed is for its clients to see. Throws a `FollowError` where they cannot be had.
 * `root.json` is the newest root, where the repository has that name.
 */
export async function endingsOfTuf(url: string, signal: AbortSignal): Promise<readonly Ending[]> {
  const read = async (file: string) => (await demandJson(`${url}/${file}`, { signal })).json
  const timestamp = await read('timestamp.json')
  const snapshot = await read(`${versionIn(timestamp, 'snapshot.json', url)}.snapshot.json`)
  const targets = await read(`${versionIn(snapshot, 'targets.json', url)}.targets.json`)
  const root = await read('root.json')
  return [
    endingOf('root', root, url),
    endingOf('targets', targets, url),
    endingOf('snapshot', snapshot, url),
    endingOf('timestamp', timestamp, url),
  ]
}

function versionIn(document: unknown, file: string, url: string): bigint {
  return countMember(memberAt(document, 'signed', 'meta', file), 'version', url)
}

function endingOf(role: string, document: unknown, url: string): Ending {
  const expires = memberAt(document, 'signed', 'expires')
  const endsAt = new Date(typeof expires === 'string' ? expires : Number.NaN)
  if (Number.isNaN(endsAt.getTime())) throw badAnswer(url, `the metadata of ${role} says no time`)
  return { what: `the TUF metadata of ${role}`, endsAt, isShortLived: role === 'timestamp' }
}
