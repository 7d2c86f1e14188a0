/** Pieces of the trusted root as engines take them. */
import { encodePem, equalBytes, keyFingerprint, sha256Hex, utf8, withoutEnd } from '@sigstack/crypto'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { ImagePolicyError } from '../errors.ts'
import type { ImagePolicy } from '../policy.ts'
import type { ExportContext } from './context.ts'

/** Throws `incomplete`. */
export function trustOf({ trust }: ExportContext): {
  readonly trustedRoot: TrustedRoot
  readonly text: string
} {
  if (trust !== undefined) return trust
  throw new ImagePolicyError('incomplete', 'the policy needs a trusted root')
}

export function logKeyPem({ publicKey, keyDetails }: TrustedLog): string {
  return encodePem(keyDetails.startsWith('PKCS1_') ? 'RSA PUBLIC KEY' : 'PUBLIC KEY', publicKey)
}

export function certificatesPem(chain: readonly Uint8Array[]): string {
  return chain.map((certificate) => encodePem('CERTIFICATE', certificate)).join('')
}

/** Every certificate of every authority once. */
export function authoritiesPem({ certificateAuthorities }: TrustedRoot): string {
  return [...new Set(certificateAuthorities.map(({ chain }) => certificatesPem(chain)))].join('')
}

/** The log that signatures go to now. Throws `incomplete`. */
export function currentLog({ tlogs }: Pick<TrustedRoot, 'tlogs'>): TrustedLog {
  const [log] = tlogs.toSorted((a, b) => b.validFor.start.getTime() - a.validFor.start.getTime())
  if (log !== undefined) return log
  throw new ImagePolicyError('incomplete', 'the trusted root lists no transparency log')
}

type Logs = { readonly logs: readonly TrustedLog[]; readonly leftOut: readonly TrustedLog[] }

/**
 * The logs that legacy signatures can be in, and those of Rekor v2: such a signature holds what a log promised of its entry
 * (SignedEntryTimestamp), and v2 promises nothing. Throws `incomplete`.
 */
export function logsOfLegacy(context: ExportContext): Logs {
  const isRekorV2 = (log: TrustedLog): boolean =>
    isServedAs(log, context, 2) ||
    (log.keyDetails.startsWith('PKIX_ED25519') &&
      !equalBytes(log.logId, keyFingerprint({ spki: log.publicKey })))
  const { tlogs } = trustOf(context).trustedRoot
  const logs = tlogs.filter((log) => !isRekorV2(log))
  if (logs.length === 0)
    throw new ImagePolicyError(
      'incomplete',
      'the trusted root lists no log of Rekor v1, which legacy signatures are in',
    )
  return { logs, leftOut: tlogs.filter(isRekorV2) }
}

/** For an engine that reads one key of a log: of the {@link logsOfLegacy} those that are written to now, where that is known. */
export function logsWrittenTo(context: ExportContext): Logs {
  const { logs, leftOut } = logsOfLegacy(context)
  const isWritten = (log: TrustedLog): boolean => isServedAs(log, context, 1)
  if (!logs.some(isWritten)) return { logs, leftOut }
  return { logs: logs.filter(isWritten), leftOut: [...leftOut, ...logs.filter((log) => !isWritten(log))] }
}

/** What helps where {@link logsWrittenTo} are several, if anything does. */
export function howToTellLogs(context: ExportContext): readonly string[] {
  const isTold = logsOfLegacy(context).logs.some((log) => isServedAs(log, context, 1))
  return isTold ? [] : ['name the instance with --profile or --data, which tells the one that is written to']
}

function isServedAs(
  { baseUrl }: TrustedLog,
  { rekorServices = [] }: ExportContext,
  version: number,
): boolean {
  return rekorServices.some(
    ({ url, majorApiVersion }) =>
      majorApiVersion === version && withoutEnd(url, '/') === withoutEnd(baseUrl, '/'),
  )
}

/** What is to be said of logs that an engine is not given. */
export function notesOfLogs({ rules }: ImagePolicy, logsOf: () => Logs, engine: string): readonly string[] {
  if (rules.every(({ log }) => log === 'off')) return []
  return logsOf().leftOut.map(
    ({ baseUrl }) =>
      `WARNING: the key of ${baseUrl} is left out: ${engine} accepts no signature that is in that log alone.`,
  )
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The text of the trusted root on one line. */
export function compactRoot(text: string): string {
  return JSON.stringify(JSON.parse(text) as unknown)
}

export function trustDigest({ trust }: ExportContext): string {
  return trust === undefined ? 'none' : `sha256:${sha256Hex(utf8(trust.text))}`
}
