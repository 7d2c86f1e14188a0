/** What there is to verify: a bundle, cosign's older form of one, or a signature on its own. */
import { defaultHash, type HashAlgorithm, parseBase64 } from '@sigstack/crypto'
import {
  type Artifact,
  algorithmsOf,
  type Bundle,
  bundleOfParts,
  isLegacyBundle,
  type LegacyParts,
  readBundle,
  readLegacyBundle,
  type VerifyOptions,
} from '@sigstack/verification'
import { CliError } from '../errors.ts'
import { readTextInput } from '../files.ts'
import type { Io } from '../io.ts'
import { readTimestampFile } from './timestamp-file.ts'

export type SignedOptions = {
  readonly bundle?: string
  readonly signature?: string
  readonly certificate?: string
  readonly rfc3161Timestamp?: string
  readonly allowCertificateChain?: boolean
  readonly signatureDigestAlgorithm?: HashAlgorithm
}

export type Signed = {
  /** Of the artifact, those that are needed. */
  readonly algorithms: readonly HashAlgorithm[]
  bundleFor(artifact: Artifact): Bundle
}

export function noBundle(): CliError {
  return new CliError('bad_usage', 'please specify the bundle with --bundle', {
    advice: '`sign-blob` has written it to FILE.sigstore.json, where it was not told another place.',
  })
}

export async function readSigned(
  io: Io,
  options: SignedOptions,
  signer: VerifyOptions['signer'],
): Promise<Signed> {
  const { bundle, signature, certificate, allowCertificateChain, signatureDigestAlgorithm: hash } = options
  if (bundle === undefined && signature === undefined) throw noBundle()
  const { rfc3161Timestamp: stamp } = options
  const timestamp = stamp === undefined ? {} : { timestamp: await readTimestampFile(io, stamp) }
  if (bundle !== undefined) {
    const text = await readTextInput(io, bundle, 'bundle')
    if (isLegacyBundle(text)) return ofParts({ ...readLegacyBundle(text), ...timestamp }, signer, hash)
    if (stamp !== undefined)
      throw new CliError('bad_usage', '--rfc3161-timestamp is of a signature alone; a bundle has its own')
    const read = readBundle(text, { allowCertificateChain: allowCertificateChain === true })
    return { algorithms: algorithmsOf(read), bundleFor: () => read }
  }
  const parts = {
    signature: await readSignature(io, signature ?? ''),
    certificate: await leafOf(certificate),
    ...timestamp,
  }
  return ofParts(parts, signer, hash)
}

/** The signature says neither of what it is nor by which hash; unless the caller does, that of the key is taken, as in cosign. */
function ofParts(
  parts: LegacyParts,
  signer: VerifyOptions['signer'],
  hash: HashAlgorithm | undefined,
): Signed {
  const algorithm = hash ?? ('key' in signer ? defaultHash(signer.key) : undefined) ?? 'sha256'
  return {
    algorithms: [algorithm],
    bundleFor: ({ digests }) => {
      const digest = digests[algorithm]
      if (digest === undefined)
        throw new CliError('bad_usage', `a signature of this key is over a ${algorithm} of the file`)
      return bundleOfParts(parts, { type: 'message', algorithm, digest, signature: parts.signature })
    },
  }
}

/** A file, or the base64 itself. */
export async function readSignature(io: Io, signature: string): Promise<Uint8Array> {
  const text = /^[A-Za-z0-9+/]{40,}={0,2}$/.test(signature)
    ? signature
    : await readTextInput(io, signature, 'signature')
  try {
    return parseBase64(text.trim())
  } catch (cause) {
    throw new CliError('bad_bundle', 'the signature is not base64', { cause })
  }
}

/** Another field that cosign let hold base64 of PEM. */
async function leafOf(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined
  const { readCertificates } = await import('../signing/key-credential.ts')
  return (await readCertificates(path, 'certificate'))[0]?.der
}
