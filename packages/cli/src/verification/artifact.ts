import { digest, type HashAlgorithm, isHashAlgorithm, parseHex } from '@sigstack/crypto'
import { CliError } from '../errors.ts'

/** What was signed: the bytes, or only their digest where the file is elsewhere. */
export type Artifact =
  | { readonly bytes: Buffer }
  | { readonly algorithm: HashAlgorithm; readonly digest: Uint8Array }

const digestForm = /^(?<algorithm>sha256|sha384|sha512):(?<hex>[0-9a-fA-F]+)$/
const hexLength = { sha256: 64, sha384: 96, sha512: 128 }

/** An argument of the form `sha256:<hex>`; undefined for anything else, which is then a path. */
export function parseDigest(argument: string): Artifact | undefined {
  const { algorithm, hex } = digestForm.exec(argument)?.groups ?? {}
  if (algorithm === undefined || hex === undefined || !isHashAlgorithm(algorithm)) return undefined
  if (hex.length !== hexLength[algorithm]) {
    throw new CliError(
      'bad_usage',
      `${argument} is not a digest: ${algorithm} has ${hexLength[algorithm]} hex digits`,
    )
  }
  return { algorithm, digest: parseHex(hex) }
}

/** Undefined where only a digest by another algorithm is known. */
export function digestOf(artifact: Artifact, algorithm: HashAlgorithm): Uint8Array | undefined {
  if ('bytes' in artifact) return digest(algorithm, artifact.bytes)
  return artifact.algorithm === algorithm ? artifact.digest : undefined
}
