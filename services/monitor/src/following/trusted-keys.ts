/** The keys of logs by the instance's trusted root, read again from time to time: rotations add keys to it. */
import { type PublicKey, parsePublicKey, parseUtf8 } from '@sigstack/crypto'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { demandText } from './ask.ts'
import { FollowError } from './errors.ts'
import type { LogDescription } from './logs-file.ts'
import type { LogKeys } from './verify-note.ts'

export type TrustSource = {
  /** Not older than `oldestMs`, which is a minute where it is left out. Throws a `FollowError` where none could be had yet. */
  current(signal: AbortSignal, oldestMs?: number): Promise<TrustedRoot>
}

const freshMs = 60_000

/** From a URL, or whatever `readFile` gives. After a failure the one before goes on to count. */
export function trustSource(
  where: { readonly url: string } | { readonly read: () => Promise<Uint8Array> },
  now: () => number = Date.now,
): TrustSource {
  let known: { readonly root: TrustedRoot; readonly atMs: number } | undefined
  async function load(signal: AbortSignal): Promise<TrustedRoot> {
    const text =
      'url' in where ? (await demandText(where.url, { signal })).text : (parseUtf8(await where.read()) ?? '')
    return parseTrustedRoot(text)
  }
  return {
    current: async (signal, oldestMs = freshMs) => {
      if (known !== undefined && now() - known.atMs < oldestMs) return known.root
      try {
        known = { root: await load(signal), atMs: now() }
      } catch (cause) {
        if (signal.aborted) throw cause
        if (known === undefined) throw new FollowError('no_key', 'the trusted root cannot be had', { cause })
      }
      return known.root
    },
  }
}

/** Throws `no_key`. */
export async function keysOfLog(
  { key, kind, trustedUrl, name }: LogDescription,
  trust: TrustSource | undefined,
  signal: AbortSignal,
): Promise<LogKeys> {
  if (key !== undefined)
    return 'keyHint' in key ? { noteKeys: [key], publicKeys: [] } : { noteKeys: [], publicKeys: [key] }
  const root = await trust?.current(signal)
  const logs = kind === 'ct' ? root?.ctlogs : root?.tlogs
  const publicKeys = (logs ?? [])
    .filter(({ baseUrl }) => baseUrl.replace(/\/$/, '') === trustedUrl)
    .flatMap((log) => keyOf(log.publicKey))
  if (publicKeys.length === 0)
    throw new FollowError(
      'no_key',
      `no key of ${name} is known: the trusted root lists no log at ${trustedUrl}`,
    )
  return { noteKeys: [], publicKeys }
}

/** Of a kind that is not supported here there is none. */
function keyOf(spki: Uint8Array): readonly PublicKey[] {
  try {
    return [parsePublicKey(spki)]
  } catch {
    return []
  }
}
