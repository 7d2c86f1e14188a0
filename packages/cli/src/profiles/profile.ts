/**
 * A profile: the trust of one instance, or of several that follow each other, kept under a name. What it holds
 * was shown to whoever keeps it, or vouched for by a root that was.
 */
import { isObject, parseBase64, toBase64 } from '@sigstack/crypto'
import {
  encodeTrustedRoot,
  parseSigningConfig,
  parseTrustedRoot,
  type SigningConfig,
  type TrustedRoot,
} from '@sigstack/trust-root'
import type { SeenVersions } from '@sigstack/tuf'
import { CliError } from '../errors.ts'
import { usable } from '../usable.ts'

export type Instance = {
  /** Where it was got: a URL or a file, as the caller named it. */
  readonly from: string
  readonly fetchedAt: Date
  readonly trustedRoot: TrustedRoot
  /** Absent where the instance publishes none: then it can be verified with, and not signed. */
  readonly signingConfig?: SigningConfig
  /** As they were published. */
  readonly texts: { readonly trustedRoot: string; readonly signingConfig?: string }
  readonly tuf?: TufState
}

/** From where a TUF repository is read on. */
export type TufState = {
  readonly mirror: string
  readonly root: Uint8Array
  readonly seen: SeenVersions
  readonly expires: Date
}

/** The newest instance first: it is the one that is signed with. */
export type Profile = { readonly name: string; readonly instances: readonly [Instance, ...Instance[]] }

export function encodeProfile({ instances }: Profile): string {
  const members = instances.map(({ from, fetchedAt, texts, tuf }) => ({
    from,
    fetchedAt: fetchedAt.toISOString(),
    ...texts,
    ...(tuf !== undefined && {
      tuf: {
        mirror: tuf.mirror,
        root: toBase64(tuf.root),
        seen: tuf.seen,
        expires: tuf.expires.toISOString(),
      },
    }),
  }))
  return `${JSON.stringify({ instances: members }, null, 1)}\n`
}

/** Throws `bad_trust` for whatever was not written here. */
export function parseProfile(name: string, text: string, where: string): Profile {
  const bad = (): CliError =>
    new CliError('bad_trust', `${where} is no profile`, {
      advice: `Make it anew: sigstack profile remove ${name}, then sigstack init.`,
    })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bad()
  }
  const list = isObject(value) ? value['instances'] : undefined
  const [first, ...more] = Array.isArray(list)
    ? list.map((each: unknown) => instanceFrom(each, where, bad))
    : []
  if (first === undefined) throw bad()
  return { name, instances: [first, ...more] }
}

function instanceFrom(value: unknown, where: string, bad: () => CliError): Instance {
  if (!isObject(value)) throw bad()
  const { from, fetchedAt, trustedRoot, signingConfig, tuf } = value
  if (typeof from !== 'string' || typeof trustedRoot !== 'string') throw bad()
  return {
    ...instanceOf(
      from,
      timeFrom(fetchedAt, bad),
      {
        trustedRoot,
        ...(typeof signingConfig === 'string' && { signingConfig }),
      },
      where,
    ),
    ...(tuf !== undefined && { tuf: tufFrom(tuf, bad) }),
  }
}

function tufFrom(value: unknown, bad: () => CliError): TufState {
  if (!isObject(value) || !isObject(value['seen'])) throw bad()
  const { mirror, root, seen, expires } = value
  const version = (name: keyof SeenVersions): number => {
    const found = isObject(seen) ? seen[name] : undefined
    if (typeof found !== 'number' || !Number.isSafeInteger(found)) throw bad()
    return found
  }
  if (typeof mirror !== 'string' || typeof root !== 'string') throw bad()
  return {
    mirror,
    root: parseBase64(root),
    seen: { timestamp: version('timestamp'), snapshot: version('snapshot'), targets: version('targets') },
    expires: timeFrom(expires, bad),
  }
}

function timeFrom(value: unknown, bad: () => CliError): Date {
  const time = new Date(typeof value === 'string' ? value : Number.NaN)
  if (Number.isNaN(time.getTime())) throw bad()
  return time
}

/** Throws `bad_trust` where a text is not what it should be. */
export function instanceOf(from: string, fetchedAt: Date, texts: Instance['texts'], where = from): Instance {
  const { signingConfig } = texts
  return {
    from,
    fetchedAt,
    texts,
    trustedRoot: usable(where, () => parseTrustedRoot(texts.trustedRoot)),
    ...(signingConfig !== undefined && {
      signingConfig: usable(where, () => parseSigningConfig(signingConfig)),
    }),
  }
}

/** The text of the one instance as it was published, or one for all of them together. */
export function trustedRootText({ instances }: Profile): string {
  const [only, ...more] = instances
  return more.length === 0 ? only.texts.trustedRoot : encodeTrustedRoot(trustOf({ instances }))
}

/** What any of the instances vouches for. */
export function trustOf({ instances }: Pick<Profile, 'instances'>): TrustedRoot {
  const [only, ...more] = instances
  if (more.length === 0) return only.trustedRoot
  const roots = instances.map(({ trustedRoot }) => trustedRoot)
  return {
    tlogs: distinct(roots.flatMap(({ tlogs }) => tlogs)),
    certificateAuthorities: distinct(roots.flatMap((root) => root.certificateAuthorities)),
    ctlogs: distinct(roots.flatMap(({ ctlogs }) => ctlogs)),
    timestampAuthorities: distinct(roots.flatMap((root) => root.timestampAuthorities)),
  }
}

function distinct<Item>(items: readonly Item[]): readonly Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
