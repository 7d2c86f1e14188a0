/** Signing into a bundle v0.3: the signature, then whose it is, then who vouches for it. */
import { preAuthenticationEncoding, signatureAlgorithms } from '@sigstack/crypto'
import { type Artifact, type Bundle, type Envelope, readArtifact } from '@sigstack/verification'
import type { Credential, RunningSignature, SigningKey } from './credential.ts'
import { encodeBundle, keyHintOf } from './encode-bundle.ts'
import { SigningError } from './errors.ts'
import type { CertificateChain } from './services/certificate-authority.ts'
import { gatherTestimonies, type Testimonies, type Witness } from './witness.ts'

export type SignOptions = {
  readonly credential: Credential
  /** All of them must testify; none is the path of a network that is closed. */
  readonly witnesses: readonly Witness[]
  /** Called before each step, with words for people. */
  readonly onProgress?: ((step: string) => void) | undefined
}

export type SignedBundle = {
  readonly bundle: Bundle
  /** Of the bundle, on one line. */
  readonly text: string
}

/** Beyond it, a key that is shown the whole of what it signs is no key for it. */
const largestHeldBytes = 512 << 20

/** Signs bytes of any length, read once as they come. Throws {@link SigningError}. */
export async function signMessage(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: SignOptions,
): Promise<SignedBundle & { readonly artifact: Artifact }> {
  const key = keyFor(options)
  // Ed25519 hashes by itself, and the digest in the bundle only names what was signed.
  const algorithm = signatureAlgorithms[key.algorithm].hash ?? 'sha256'
  const running = key.begin?.() ?? gatherFor(key)
  const artifact = await readArtifact(parts, [algorithm], running.update)
  const digest = artifact.digests[algorithm]
  if (digest === undefined) throw new Error('an artifact has the digests that were asked for')
  const signature = await running.end()
  return { ...(await complete({ type: 'message', algorithm, digest, signature }, options)), artifact }
}

/** Signs a payload of a type in an envelope (DSSE): how statements are signed. */
export async function signEnvelope(
  { payload, payloadType }: Pick<Envelope, 'payload' | 'payloadType'>,
  options: SignOptions,
): Promise<SignedBundle> {
  const { credential, witnesses } = options
  const encoded = preAuthenticationEncoding({ payload, payloadType })
  const { key } = credential
  const sign = witnesses.some(({ seesDigests }) => seesDigests)
    ? overDigest(key).sign
    : (key.signEnvelope ?? key.sign)
  const signature = await sign(encoded)
  return complete({ type: 'envelope', payload, payloadType, signature }, options)
}

/**
 * Who vouches for `content`, and whose it is. `stamped` is what timestamps are over, where it is not the
 * signature.
 */
export async function witnessed(
  content: Bundle['content'],
  { credential, witnesses, onProgress }: SignOptions,
  stamped?: Uint8Array,
): Promise<{ readonly chain: CertificateChain | undefined; readonly testimonies: Testimonies }> {
  if (credential.certificate !== undefined) demandTime(witnesses)
  const chain = await credential.certificate?.()
  if (witnesses.some(({ kind }) => kind === 'log'))
    onProgress?.('Entering the signature into the transparency log...')
  const { publicKey } = credential.key
  const verifier = { publicKey, ...(chain !== undefined && { certificate: chain.leaf }) }
  const shown = { content, verifier }
  const testimonies = await gatherTestimonies(
    witnesses,
    stamped === undefined ? shown : { ...shown, stamped },
  )
  return { chain, testimonies }
}

async function complete(content: Bundle['content'], options: SignOptions): Promise<SignedBundle> {
  const { chain, testimonies } = await witnessed(content, options)
  const bundle: Bundle = {
    version: '0.3',
    material:
      chain === undefined
        ? { keyHint: keyHintOf(options.credential.key.publicKey) }
        : { certificate: chain.leaf },
    ...testimonies,
    content,
  }
  return { bundle, text: encodeBundle(bundle) }
}

/** Who has a certificate of minutes must be able to show when it signed. Throws `bad_trust`. */
function demandTime(witnesses: readonly Witness[]): void {
  if (witnesses.length === 0 || witnesses.some(({ seesDigests }) => seesDigests !== true)) return
  throw new SigningError(
    'bad_trust',
    'entries of Rekor v2 tell no time, so a signature with a certificate needs a timestamp authority, and none is named',
  )
}

function keyFor({ credential: { key }, witnesses }: SignOptions): SigningKey {
  return witnesses.some(({ kind }) => kind === 'log') ? overDigest(key) : key
}

/** A log of digests cannot check a signature over the bytes themselves. */
function overDigest(key: SigningKey): SigningKey {
  if (key.algorithm !== 'ed25519') return key
  if (key.prehashed !== undefined) return key.prehashed
  throw new SigningError(
    'not_signed',
    'an Ed25519 key that is kept elsewhere signs the file itself, and a transparency log sees only its digest',
    { advice: 'Sign with --tlog-upload=false, or with a key of another kind; attestations can be logged.' },
  )
}

function gatherFor(key: SigningKey): RunningSignature {
  const held: Uint8Array[] = []
  let length = 0
  return {
    update: (part) => {
      length += part.length
      if (length > largestHeldBytes)
        throw new SigningError(
          'not_signed',
          `what is to be signed is larger than ${largestHeldBytes >> 20} MiB, which a key of this kind cannot sign`,
        )
      held.push(part)
    },
    end: () => key.sign(Buffer.concat(held)),
  }
}
