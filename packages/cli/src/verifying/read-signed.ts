/** What there is to verify: a bundle, cosign's older form of one, or a signature on its own. */
import { defaultHash, type HashAlgorithm, parseBase64, utf8 } from '@sigstack/crypto'
import {
  type Artifact,
  algorithmsOf,
  type Bundle,
  bundleOfParts,
  isLegacyBundle,
  type LegacyParts,
  readBundle,
  readEnvelope,
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
  readonly sct?: string
  readonly allowCertificateChain?: boolean
  readonly signatureDigestAlgorithm?: HashAlgorithm
}

export type Signed = {
  /** Of the artifact, those that are needed. */
  readonly algorithms: readonly HashAlgorithm[]
  bundleFor(artifact: Artifact): Bundle
  /** The envelope as it is kept, where it is. */
  readonly stamped?: Uint8Array
}

export function noBundle(): CliError {
  return new CliError('bad_usage', 'please specify the bundle with --bundle', {
    advice: '`sign-blob` has written it to FILE.sigstore.json, where it was not told another place.',
  })
}

/** `what` is signed: of a statement the signature alone is its envelope. */
export async function readSigned(
  io: Io,
  options: SignedOptions,
  signer: VerifyOptions['signer'],
  what: 'file' | 'statement',
): Promise<Signed> {
  const { bundle, signature, certificate, allowCertificateChain, signatureDigestAlgorithm: hash } = options
  if (bundle === undefined && signature === undefined) throw noBundle()
  const { rfc3161Timestamp: stamp } = options
  const of = (parts: LegacyParts) => (what === 'statement' ? ofEnvelope(parts) : ofParts(parts, signer, hash))
  const timestamp = stamp === undefined ? {} : { timestamp: await readTimestampFile(io, stamp) }
  if (bundle !== undefined) {
    const text = await readTextInput(io, bundle, 'bundle')
    if (isLegacyBundle(text)) return of({ ...readLegacyBundle(text), ...timestamp })
    if (stamp !== undefined)
      throw new CliError('bad_usage', '--rfc3161-timestamp is of a signature alone; a bundle has its own')
    if (options.sct !== undefined)
      throw new CliError('bad_usage', '--sct is of a signature alone, with its certificate')
    const read = readBundle(text, { allowCertificateChain: allowCertificateChain === true })
    return { algorithms: algorithmsOf(read), bundleFor: () => read }
  }
  const isEnvelope = what === 'statement'
  const bytes = isEnvelope
    ? await readEnvelopeFile(io, signature ?? '')
    : await readSignature(io, signature ?? '')
  return of({ signature: bytes, certificate: await leafOf(certificate), ...timestamp })
}

/** Its signature is the text of the envelope, which logs of old kinds of entries keep the hash of. */
function ofEnvelope(parts: LegacyParts): Signed {
  const envelope = readEnvelope(Buffer.from(parts.signature).toString('utf8'))
  const bundle = bundleOfParts({ ...parts, signature: envelope.signature }, envelope)
  return { algorithms: algorithmsOf(bundle), bundleFor: () => bundle, stamped: parts.signature }
}

/** As it is, or in base64. */
async function readEnvelopeFile(io: Io, path: string): Promise<Uint8Array> {
  const text = await readTextInput(io, path, 'signature')
  return text.trimStart().startsWith('{') ? utf8(text) : base64Of(text)
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
  return base64Of(text)
}

function base64Of(text: string): Uint8Array {
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
