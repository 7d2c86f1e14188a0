/**
 * Which connections a command may open. Cosign's verifying commands have `--offline` for "ask no log", and reach the
 * registry with it; scripts rely on that. Everywhere else, and by `--no-network`, nobody is asked at all.
 */
import { type Io, setting } from './io.ts'

export type Connections =
  | 'any'
  /** None for the trust where it is kept; those that the words name are opened. No log is asked at any verification. */
  | 'named'
  | 'none'

/** Those of cosign that have the flag. */
const verifying = new Set([
  'verify',
  'verify-attestation',
  'verify-blob',
  'verify-blob-attestation',
  'manifest',
  'dockerfile',
])

/** The words without the flags, which stand before the name of the command or behind it; else variables decide. */
export function takeConnections(
  given: readonly string[],
  io: Io,
): { readonly words: readonly string[]; readonly connections: Connections } {
  const end = given.indexOf('--')
  const flags = end < 0 ? given : given.slice(0, end)
  const isOf = (word: string): boolean => /^--?(?:offline|no-network)(?:=(?:true|false|t|f|1|0))?$/.test(word)
  const words = flags.filter((word) => !isOf(word))
  const called = words.find((word) => !word.startsWith('-') && word !== 'help') ?? ''
  const isVerifying = verifying.has(called)
  const valueOf = (flag: string): string | undefined => {
    const last = flags.findLast((word) => isOf(word) && word.includes(flag))
    return last === undefined ? undefined : (last.split('=')[1] ?? 'true')
  }
  const offline = valueOf('offline') ?? (isVerifying ? setting(io, 'COSIGN_OFFLINE') : undefined)
  const noNetwork = valueOf('no-network') ?? setting(io, 'SIGSTACK_OFFLINE')
  const isOffline = isOn(offline)
  const isNone = isOn(noNetwork) || (isOffline && !isVerifying)
  return {
    words: [...words, ...(end < 0 ? [] : given.slice(end))],
    connections: isNone ? 'none' : isOffline ? 'named' : 'any',
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['false', 'f', '0'].includes(value)
}
