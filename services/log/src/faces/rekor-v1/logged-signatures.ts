/** Which signatures the log holds already over what an entry is about: others can make new entries of them. */
import { asBuffer, equalBytes, parseBase64 } from '@sigstack/crypto'
import {
  plainSignaturesOf,
  readStoredEntry,
  type VerifiedEntry,
  type Verifier,
} from '@sigstack/rekor-entries'
import { readEntry } from '@sigstack/rekor-log'
import type { RekorV1Dependencies } from './dependencies.ts'

/** Whether the log holds this signature, in its plain form, of one of the entry's verifiers. */
export type IsLogged = (verifier: Verifier, signature: Uint8Array) => Promise<boolean>

/** The oldest under a digest: those that others put beside it came later. */
const mostEntries = 20
const mostTexts = 100
const longestSignature = 2_000
/** Of ECDSA within r, behind the zeros that DER leaves out. */
const probeStart = 4
const probeEnd = 20

/** Looks once, when it is first asked. */
export function loggedSignatures(
  { search, shards }: Pick<RekorV1Dependencies, 'search' | 'shards'>,
  entry: VerifiedEntry,
): IsLogged {
  let candidates: Promise<readonly Uint8Array[]> | undefined

  async function look(): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = []
    for (const index of await search.firstUnder(signedDigests(entry), mostEntries)) {
      const placed = await readEntry(shards, index)
      if (placed !== undefined) found.push(...bytesIn(placed.entry.leaf))
    }
    return found
  }

  return async (verifier, signature) => {
    candidates ??= look()
    // No spelling changes these: few are left to be brought into their plain form, which takes longer.
    const probe = asBuffer(signature.subarray(probeStart, probeEnd))
    const alike = (await candidates).filter((bytes) => asBuffer(bytes).includes(probe))
    return plainSignaturesOf({ ...verifier, signatures: alike }).some((held) => equalBytes(held, signature))
  }
}

/** By what the body says of itself, without the keys: many entries have the same. */
function signedDigests({ body, verifiers }: VerifiedEntry): readonly string[] {
  const keys = new Set(verifiers.map(({ keyHash }) => `sha256:${keyHash}`))
  return readStoredEntry(body).searchKeys.filter((key) => /^sha\d{1,3}:/.test(key) && !keys.has(key))
}

/** What may be a signature in a body: bytes in base64, or once more in it, as intoto 0.0.2 has them. */
function bytesIn(leaf: Uint8Array): readonly Uint8Array[] {
  const texts = textsIn(JSON.parse(Buffer.from(leaf).toString()))
  const once = texts.flatMap(decoded)
  return [...once, ...once.flatMap((bytes) => decoded(Buffer.from(bytes).toString('latin1')))]
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length > longestSignature ? [] : [value]
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap(textsIn).slice(0, mostTexts)
    : []
}

function decoded(text: string): readonly Uint8Array[] {
  try {
    return [parseBase64(text)]
  } catch {
    return []
  }
}
