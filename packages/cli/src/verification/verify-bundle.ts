/**
 * Verification of a bundle without any network: @sigstore/verify does times, certificate chain, SCT, log entry
 * and signature; what it leaves to its caller is done here. Nothing is verified until all of it is.
 */
import {
  equalBytes,
  type HashAlgorithm,
  type PublicKey,
  parsePublicKey,
  verifyDigest,
} from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import { embeddedScts } from '@sigstack/x509'
import type { Bundle } from '@sigstore/bundle'
import { HashAlgorithm as ProtobufHash, TrustedRoot } from '@sigstore/protobuf-specs'
import {
  type SignedEntity,
  toSignedEntity,
  toTrustMaterial,
  VerificationError,
  Verifier,
} from '@sigstore/verify'
import { CliError } from '../errors.ts'
import { type Artifact, digestOf } from './artifact.ts'
import { type CertificateIdentity, certificateIdentity } from './certificate-identity.ts'
import { demandProofOfCheckpoint, demandVerifier } from './entry-binding.ts'
import { demandIdentity, type IdentityPolicy } from './identity-policy.ts'
import { demandStatementOf } from './statement.ts'
import { withV1CheckpointNames } from './v1-checkpoint-names.ts'

export type VerifyOptions = {
  readonly bundle: Bundle
  readonly artifact: Artifact
  /** Text of trusted_root.json. */
  readonly trustedRoot: string
  /** Whom to accept: a key, or an identity; without a policy any identity that the trusted root vouches for. */
  readonly signer: { readonly key: PublicKey } | { readonly policy?: IdentityPolicy }
  readonly predicateType?: string
  readonly ignoreTlog?: boolean
  readonly ignoreSct?: boolean
  readonly requireSignedTimestamp?: boolean
}

export type Verified = {
  /** Absent when a key was given. */
  readonly identity?: CertificateIdentity
}

/** Throws a {@link CliError} of code `not_verified`, or `bad_trust` for an unusable trusted root. */
export async function verifyBundle(options: VerifyOptions): Promise<Verified> {
  try {
    return await verify(options)
  } catch (error) {
    if (error instanceof CliError) throw error
    // Whatever a hostile bundle makes the parsers below throw, it is not verified.
    const reason = error instanceof Error ? error.message : String(error)
    const known = error instanceof VerificationError
    throw new CliError('not_verified', known ? reason : `the bundle does not hold together: ${reason}`, {
      cause: error,
    })
  }
}

async function verify(options: VerifyOptions): Promise<Verified> {
  const { bundle, artifact, signer } = options
  const { content, tlogEntries, timestampVerificationData } = bundle.verificationMaterial
  const certificate = certificateOf(bundle)
  if ('key' in signer && certificate !== undefined) {
    throw new CliError(
      'not_verified',
      'the bundle was signed with a certificate, but a key was given to verify it',
    )
  }
  if (!('key' in signer) && certificate === undefined) {
    throw new CliError('not_verified', 'the bundle was signed with a key, so it has no identity to verify', {
      advice: 'Give the key with --key.',
    })
  }
  if (options.requireSignedTimestamp === true && !timestampVerificationData?.rfc3161Timestamps.length) {
    throw new CliError('not_verified', 'the bundle has no signed timestamp')
  }
  demandArtifact(bundle, artifact, options.predicateType)

  // Strictly first: the library takes log keys without a validity.
  const trustedRoot = trustedRootOf(options.trustedRoot)
  if (certificate !== undefined && options.ignoreSct !== true) demandPromise(certificate, trustedRoot)
  const trust = toTrustMaterial(trustedRoot, (hint) => {
    if (!('key' in signer)) throw new CliError('not_verified', `no key was given for the hint ${hint}`)
    return { publicKey: signer.key.keyObject, validFor: () => true }
  })
  const verifier = new Verifier(withV1CheckpointNames(trust, tlogEntries), {
    tlogThreshold: options.ignoreTlog === true ? 0 : 1,
    ctlogThreshold: options.ignoreSct === true ? 0 : 1,
    // A certificate must be judged at some time that can be trusted; a key needs none.
    timestampThreshold: content.$case === 'publicKey' ? (options.requireSignedTimestamp === true ? 1 : 0) : 1,
  })
  const entity = toSignedEntity(bundle, 'bytes' in artifact ? artifact.bytes : Buffer.alloc(0))
  const byDigest = bundle.content.$case === 'messageSignature' && !('bytes' in artifact)
  const { key } = verifier.verify(byDigest ? withoutSignatureCheck(entity) : entity)
  if (byDigest) await demandSignatureOverDigest(bundle, key.export({ format: 'der', type: 'spki' }), artifact)

  const material = certificate ?? ('key' in signer ? signer.key.spki : undefined)
  if (material === undefined) throw new Error('a bundle has a certificate or a key')
  for (const entry of tlogEntries) {
    demandVerifier(entry, material)
    demandProofOfCheckpoint(entry)
  }

  if (certificate === undefined || 'key' in signer) return {}
  const identity = certificateIdentity(certificate)
  if (signer.policy !== undefined) demandIdentity(signer.policy, identity)
  return { identity }
}

function certificateOf(bundle: Bundle): Uint8Array | undefined {
  const { content } = bundle.verificationMaterial
  if (content.$case === 'certificate') return content.certificate.rawBytes
  if (content.$case === 'x509CertificateChain') return content.x509CertificateChain.certificates[0]?.rawBytes
  return undefined
}

function trustedRootOf(text: string): TrustedRoot {
  try {
    parseTrustedRoot(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    throw new CliError('bad_trust', `the trusted root cannot be used: ${reason}`, { cause })
  }
  return TrustedRoot.fromJSON(JSON.parse(text))
}

/** The library would tell how many SCTs it misses, which tells nobody what to do. */
function demandPromise(certificate: Uint8Array, { ctlogs }: TrustedRoot): void {
  const advice = 'Where the CA runs without a CT log on purpose, add --insecure-ignore-sct.'
  if (ctlogs.length === 0) {
    const complaint = 'the trusted root lists no CT log, so no certificate can be shown to be in one'
    throw new CliError('not_verified', complaint, { advice })
  }
  if (embeddedScts(certificate) === undefined)
    throw new CliError('not_verified', 'the certificate holds no promise of a CT log (SCT)', { advice })
}

/** The digest inside a bundle is a hint, but one that lies is refused. */
function demandArtifact(bundle: Bundle, artifact: Artifact, predicateType: string | undefined): void {
  if (bundle.content.$case === 'dsseEnvelope') {
    demandStatementOf(bundle.content.dsseEnvelope, artifact, predicateType)
    return
  }
  if (predicateType !== undefined) {
    throw new CliError('not_verified', 'the bundle is a plain signature and no attestation')
  }
  const { messageDigest } = bundle.content.messageSignature
  const algorithm = hashNames[messageDigest.algorithm]
  const computed = algorithm && digestOf(artifact, algorithm)
  if (computed === undefined) {
    throw new CliError(
      'not_verified',
      'the digest in the bundle is by another algorithm than can be compared',
    )
  }
  if (!equalBytes(messageDigest.digest, computed)) {
    throw new CliError('not_verified', 'the artifact is not the one that was signed: its digest differs', {
      advice: 'Check that the file is complete and that the bundle belongs to it.',
    })
  }
}

const hashNames: Readonly<Partial<Record<ProtobufHash, HashAlgorithm>>> = {
  [ProtobufHash.SHA2_256]: 'sha256',
  [ProtobufHash.SHA2_384]: 'sha384',
  [ProtobufHash.SHA2_512]: 'sha512',
}

/** The library wants the bytes; where there is only a digest, the signature is checked right after it. */
function withoutSignatureCheck(entity: SignedEntity): SignedEntity {
  const { signature } = entity
  return {
    ...entity,
    signature: {
      signature: signature.signature,
      compareSignature: (other) => signature.compareSignature(other),
      compareDigest: (digest) => signature.compareDigest(digest),
      compareSignedDigest: (digest) => signature.compareSignedDigest(digest),
      verifySignature: () => true,
    },
  }
}

async function demandSignatureOverDigest(bundle: Bundle, spki: Buffer, artifact: Artifact): Promise<void> {
  if (bundle.content.$case !== 'messageSignature' || 'bytes' in artifact) throw new Error('only for digests')
  const { signature } = bundle.content.messageSignature
  if (!(await verifyDigest(parsePublicKey(spki), artifact.algorithm, artifact.digest, signature))) {
    throw new CliError('not_verified', 'signature verification failed')
  }
}
