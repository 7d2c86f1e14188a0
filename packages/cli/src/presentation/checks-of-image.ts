/** What was checked of an image, in the words that scripts of cosign look for. */
import { escaped } from '@sigstack/crypto'
import type { Io } from '../io.ts'

export type ChecksOfImage = {
  readonly annotations: boolean
  readonly claims: boolean
  readonly log: boolean
  /** Whether the log was asked for the entry of each of them. */
  readonly wasSearched?: boolean
  readonly key: boolean
}

export function tellChecks(io: Io, given: string, checks: ChecksOfImage): void {
  const lines = [
    checks.annotations && 'The specified annotations were verified.',
    checks.claims && 'The cosign claims were validated',
    ...(checks.log ? logLines(checks) : []),
    checks.key
      ? 'The signatures were verified against the specified public key'
      : 'The code-signing certificate was verified using trusted certificate authority certificates',
  ].filter((line) => line !== false)
  io.err(
    `\nVerification for ${escaped(given)} --\nThe following checks were performed on each of these signatures:\n${lines.map((line) => `  - ${line}\n`).join('')}`,
  )
}

function logLines({ wasSearched, key }: ChecksOfImage): readonly string[] {
  if (wasSearched !== true) return ['Existence of the claims in the transparency log was verified offline']
  const integrated = 'The signatures were integrated into the transparency log when the certificate was valid'
  return ['The claims were present in the transparency log', ...(key ? [] : [integrated])]
}
