/**
 * What an entry is found by. Rekor's clients look for all of it in one index, so each sort of key has a form that no other has: of
 * what a sender makes up, nothing is taken for the name or the key of somebody else.
 */
import type { EntryFacts } from './entry.ts'
import { isEmail } from './keys/email.ts'
import type { Verifier } from './verifier.ts'

export type FoundBy = {
  /** Hex SHA-256 without prefix: of keys, and of documents that stand for one. */
  readonly hashes?: readonly string[]
  /** Who signed, as the key or the certificate says. A name that is spelt as a hash or a digest is left out. */
  readonly subjects?: readonly string[]
  /** `<algorithm>:<hex>`; others are left out. */
  readonly digests?: readonly string[]
  /** Roles and versions of TUF; others are left out. */
  readonly words?: readonly string[]
}

/** Those of in-toto whose digests are hexadecimal, in lower case. */
const digestAlgorithms: ReadonlySet<string> = new Set(
  (
    'md5 ripemd160 sm3 gost blake2b blake2s shake128 shake256 sha1 sha224 sha256 sha384 sha512 sha512_224 ' +
    'sha512_256 sha3_224 sha3_256 sha3_384 sha3_512 gitblob gitcommit gittag gittree'
  ).split(' '),
)

/** C0, DEL and C1: in no name of anybody who wants to be found. */
// oxlint-disable-next-line no-control-regex -- these are what it is for
const control = /[\u0000-\u001f\u007f-\u009f]/

/** In lower case, without duplicates. */
export function searchKeysOf(found: FoundBy): readonly string[] {
  const keys = new Set<string>()
  const add = (texts: readonly string[] | undefined, isOfThisSort: (key: string) => boolean): void => {
    for (const text of texts ?? []) {
      const key = text.toLowerCase()
      if (isOfThisSort(key)) keys.add(key)
    }
  }
  add(found.hashes, isHash)
  add(found.subjects, (name) => !control.test(name) && !isHash(name) && !isDigest(name))
  add(found.digests, isDigest)
  add(found.words, isTufWord)
  return [...keys]
}

/** Of those who signed: their keys and their names. */
export function foundByVerifiers(
  verifiers: readonly Verifier[],
): Required<Pick<FoundBy, 'hashes' | 'subjects'>> {
  return {
    hashes: verifiers.map(({ keyHash }) => keyHash),
    subjects: verifiers.flatMap(({ subjects }) => subjects),
  }
}

/**
 * What still counts of the keys that were kept beside a leaf: releases before kept whatever texts a sender had made up. Digests may
 * be of a statement that is not logged, and an address of the comment of an SSH key; all else stands in the body.
 */
export function keptSearchKeys(
  kept: readonly unknown[],
  stored: EntryFacts & { readonly kind: string },
): readonly string[] {
  const own = new Set(stored.searchKeys)
  const counts = (key: string) =>
    own.has(key) || isDigest(key) || (stored.kind === 'rekord' && isEmail(key) && !control.test(key))
  const texts = kept.filter((key) => typeof key === 'string').map((key) => key.toLowerCase())
  return [...new Set(texts.filter(counts))]
}

function isHash(key: string): boolean {
  return /^[0-9a-f]{64}$/.test(key)
}

function isDigest(key: string): boolean {
  const colon = key.indexOf(':')
  return (
    digestAlgorithms.has(key.slice(0, Math.max(0, colon))) && /^[0-9a-f]{1,256}$/.test(key.slice(colon + 1))
  )
}

function isTufWord(key: string): boolean {
  return /^(?:root|targets|snapshot|timestamp|-?\d{1,16})$/.test(key)
}
