/** What was checked of an image, in the words that scripts of cosign look for. */
import { escaped } from '@sigstack/crypto'
import type { Io } from '../io.ts'

export type ChecksOfImage = {
  readonly annotations: boolean
  readonly claims: boolean
  readonly log: boolean
  readonly key: boolean
}

export function tellChecks(io: Io, given: string, checks: ChecksOfImage): void {
  const lines = [
    checks.annotations && 'The specified annotations were verified.',
    checks.claims && 'The cosign claims were validated',
    checks.log && 'Existence of the claims in the transparency log was verified offline',
    checks.key
      ? 'The signatures were verified against the specified public key'
      : 'The code-signing certificate was verified using trusted certificate authority certificates',
  ].filter((line) => line !== false)
  io.err(
    `\nVerification for ${escaped(given)} --\nThe following checks were performed on each of these signatures:\n${lines.map((line) => `  - ${line}\n`).join('')}`,
  )
}
