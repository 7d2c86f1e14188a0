import { digest, type HashAlgorithm, isHashAlgorithm, parseHex } from '@sigstack/crypto'
import type { Bundle } from './bundle.ts'
import { subjectAlgorithms } from './statement.ts'

/** What was signed, by its digests: a file of any size, or one that is elsewhere. */
export type Artifact = {
  readonly digests: Readonly<Partial<Record<HashAlgorithm, Uint8Array>>>
  /** Only Ed25519 signs the bytes themselves. Absent where they are too many or elsewhere. */
  readonly bytes?: Uint8Array
}

const digestForm = /^(?<algorithm>sha256|sha384|sha512):(?<hex>[0-9a-fA-F]{1,200})$/
const hexLength = { sha256: 64, sha384: 96, sha512: 128 }

/**
 * An argument of the form `sha256:<hex>`; undefined for anything else, which is then a path; a text that says what is
 * wrong where it is meant as a digest and has another length.
 */
export function parseDigest(argument: string): Artifact | string | undefined {
  const { algorithm, hex } = digestForm.exec(argument)?.groups ?? {}
  if (algorithm === undefined || hex === undefined || !isHashAlgorithm(algorithm)) return undefined
  if (hex.length !== hexLength[algorithm])
    return `${argument} is not a digest: ${algorithm} has ${hexLength[algorithm]} hex digits`
  return { digests: { [algorithm]: parseHex(hex) } }
}

/** The digests of the artifact that the bundle speaks of, so that one pass over a large file suffices. */
export function algorithmsOf({ content }: Bundle): readonly HashAlgorithm[] {
  return content.type === 'message' ? [content.algorithm] : subjectAlgorithms(content)
}

export function artifactOfBytes(bytes: Uint8Array): Artifact {
  return {
    bytes,
    digests: {
      sha256: digest('sha256', bytes),
      sha384: digest('sha384', bytes),
      sha512: digest('sha512', bytes),
    },
  }
}
