/**
 * Who vouches for a signature: logs that it was made public, timestamp authorities that it was made by
 * then.
 */
import type { Bundle, LogEntry } from '@sigstack/verification'
import { type Verifier, verifierPemOf } from './credential.ts'
import type { Exchange } from './services/ask-service.ts'
import { explained } from './services/explain-refusal.ts'
import { proposeEntry, readEntry, type Sought, searchEntries } from './services/rekor-v1.ts'
import { createEntry } from './services/rekor-v2.ts'
import type { SigningServices } from './services/select-services.ts'
import { requestTimestamp, sendTimestampQuery } from './services/timestamp-authority.ts'

/** What a witness is shown. */
export type Shown = {
  readonly content: Bundle['content']
  readonly verifier: Verifier
  /** What a timestamp is over; default: the signature. */
  readonly stamped?: Uint8Array
}

export type Testimony = { readonly entry: LogEntry } | { readonly timestamp: Uint8Array }

export type Witness = {
  readonly kind: 'log' | 'timestamp authority'
  /** A log that sees of envelopes, too, only a digest, and tells no time: Rekor v2. */
  readonly seesDigests?: boolean
  /** Throws a `SigningError`. */
  testify(shown: Shown): Promise<Testimony>
}

export function rekorV1Witness(url: string, exchange: Exchange): Witness {
  return {
    kind: 'log',
    testify: async ({ content, verifier }) => {
      const proposed = proposeEntry(url, content, verifierPemOf(verifier), exchange)
      return { entry: await explained('The transparency log', url, proposed) }
    },
  }
}

export function rekorV2Witness(url: string, exchange: Exchange): Witness {
  return {
    kind: 'log',
    seesDigests: true,
    testify: async ({ content, verifier }) => ({
      entry: await explained('The transparency log', url, createEntry(url, content, verifier, exchange)),
    }),
  }
}

export function timestampWitness(url: string, exchange: Exchange): Witness {
  return {
    kind: 'timestamp authority',
    testify: async ({ content, stamped = content.signature }) => ({
      timestamp: await explained('The timestamp authority', url, requestTimestamp(url, stamped, exchange)),
    }),
  }
}

/** `stamping`: the way to timestamp authorities, where it is another one. */
export function witnessesOf(
  { logs, tsaUrls }: Pick<SigningServices, 'logs' | 'tsaUrls'>,
  exchange: Exchange,
  stamping: Exchange = exchange,
): readonly Witness[] {
  return [
    ...logs.map(({ url, majorApiVersion }) =>
      majorApiVersion === 2 ? rekorV2Witness(url, exchange) : rekorV1Witness(url, exchange),
    ),
    ...tsaUrls.map((url) => timestampWitness(url, stamping)),
  ]
}

/** The entry at an index of a Rekor v1 log. Throws a `SigningError`. */
export function findEntry(url: string, logIndex: bigint, exchange: Exchange): Promise<LogEntry> {
  return explained('The transparency log', url, readEntry(url, logIndex, exchange))
}

/** The entries of a Rekor v1 log of this very signature, the earliest first; nobody has verified them. Throws a `SigningError`. */
export function searchLog(url: string, sought: Sought, exchange: Exchange): Promise<readonly LogEntry[]> {
  return explained('The transparency log', url, searchEntries(url, sought, exchange))
}

export type Testimonies = Pick<Bundle, 'entries' | 'timestamps'>

/** All of them at once; one that fails fails the signature. */
export async function gatherTestimonies(witnesses: readonly Witness[], shown: Shown): Promise<Testimonies> {
  const testimonies = await Promise.all(witnesses.map((witness) => witness.testify(shown)))
  return {
    entries: testimonies.flatMap((each) => ('entry' in each ? [each.entry] : [])),
    timestamps: testimonies.flatMap((each) => ('timestamp' in each ? [each.timestamp] : [])),
  }
}

/** The answer to a DER TimeStampReq, as it is. Throws a `SigningError`. */
export function askForTimestamp(url: string, query: Uint8Array, exchange: Exchange): Promise<Uint8Array> {
  return explained('The timestamp authority', url, sendTimestampQuery(url, query, exchange))
}
