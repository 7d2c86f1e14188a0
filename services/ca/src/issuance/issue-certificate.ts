/** Issuance, in the numbered steps of docs/issuance.md. Everything it needs of the world is an argument. */
import type { Authority } from '@sigstack/ca-authority'
import { equalBytes, keyFingerprint, sha256, toHex } from '@sigstack/crypto'
import { encodeSctList, verifySct } from '@sigstack/ct'
import {
  assembleCertificate,
  assertPrecertificateMatches,
  type Certificate,
  encodeCertificatePem,
  finalTbs,
  type LeafTemplate,
  leafLifetimeSeconds,
  leafTemplate,
  parseCertificate,
  plainTbs,
  precertificateTbs,
  sctListOf,
  serialNumberFrom,
  verifyCertificateSignature,
  X509Error,
} from '@sigstack/x509'
import type { Identity } from '../identity/identity.ts'
import { identityOf } from '../identity/identity-of.ts'
import { assertPermitted } from '../identity/policy.ts'
import { IssuanceError } from '../refusals.ts'
import { certificateContent } from './certificate-content.ts'
import {
  type CtLog,
  type CtPromise,
  type InTurn,
  type IssuanceDependencies,
  noTrace,
  type Trace,
} from './dependencies.ts'
import {
  assertAlgorithmAllowed,
  assertKeyIsStrong,
  type KeyApplication,
  parseRequestedKey,
  type RequestedKey,
} from './requested-key.ts'

export type Application = {
  readonly identityToken: string
  readonly key: KeyApplication
}

export type Issued = {
  /** PEM with final line feed: leaf, issuing certificate, …, root. */
  readonly chainPem: readonly string[]
  readonly certificate: Uint8Array
  /** `none`: there is no CT log, and so no promise. */
  readonly sct: 'embedded' | 'none'
}

/** What is known of an application by the time it is granted or refused; filled in step by step, for the audit log. */
export type ApplicationFacts = {
  issuer?: string
  subject?: string
  subjectAlternativeName?: string
  /** The rule of the issuance policy that allowed it, or refused it. */
  rule?: string
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  keyFingerprint?: string
  /** Hex. */
  serialNumber?: string
}

/** What the CA's key is about to sign. */
export type SigningIntent = {
  readonly what: 'precertificate' | 'certificate'
  readonly tbs: Uint8Array
}

/** What goes with one issuance. */
export type IssuanceCompany = {
  readonly facts: ApplicationFacts
  /** Told before each signature: of what was signed by a CA that then died there is a record nevertheless. */
  readonly onSigning: (intent: SigningIntent) => void
  readonly inTurn: InTurn
}

/** Throws an IssuanceError; nothing of a certificate leaves unless every step has passed. */
export type IssueCertificate = (application: Application, company: IssuanceCompany) => Promise<Issued>

export function createIssueCertificate(dependencies: IssuanceDependencies): IssueCertificate {
  const { authenticate, ctLog, allowedAlgorithms, now, randomBytes, limits, trace = noTrace } = dependencies

  return async (application, { facts, onSigning, inTurn }) => {
    // 1. Authenticate the token. First, so that nobody learns anything about keys or logs without one.
    const { issuer, claims } = await trace('token', () => authenticate(application.identityToken))
    // 2. Identity from the claims: all that the certificate will say about its owner.
    const identity = identityOf(issuer, claims)
    facts.issuer = identity.claims.issuer
    facts.subject = identity.claims.subject ?? ''
    facts.subjectAlternativeName = identity.subjectAlternativeName.value
    //    Who they are is known now; whether they may, and how often, is for policy and limits to say.
    const rule = assertPermitted(issuer.policy, claims)
    if (rule !== undefined) facts.rule = rule
    //    From here on it costs: who has no good token waits for no turn, and takes none from others.
    return inTurn(async () => {
      await limits?.admitIdentity(identity)
      // 3. The key, or the certificate request around it.
      const requested = parseRequestedKey(application.key)
      facts.keyFingerprint = toHex(keyFingerprint(requested.publicKey))
      // 4. Its strength.
      assertKeyIsStrong(requested)
      // 5. Proof of possession: without it anybody could have a certificate for somebody else's key.
      await trace('proof', () => requested.assertPossession(identity.proofSubjects))
      // 6. The algorithms this CA allows.
      assertAlgorithmAllowed(requested, allowedAlgorithms)
      // 7 to 10.
      const authority = dependencies.authority()
      const serialNumber = serialNumberFrom(randomBytes(20))
      facts.serialNumber = toHex(serialNumber)
      const template = buildTemplate(authority, identity, requested, serialNumber, now())
      const sign: Sign = (what, tbs) => {
        onSigning({ what, tbs })
        return signed(authority, tbs)
      }
      const certificate = await (ctLog === undefined
        ? withoutPromise(template, authority, sign, trace)
        : withPromise(template, authority, ctLog, sign, trace))
      // 11. The answer.
      return {
        certificate,
        chainPem: [encodeCertificatePem(certificate), ...chainPemOf(authority)],
        sct: ctLog === undefined ? 'none' : 'embedded',
      }
    })
  }
}

/** Gives the whole certificate, or precertificate. */
type Sign = (what: SigningIntent['what'], tbs: Uint8Array) => Promise<Uint8Array>

async function withPromise(
  template: LeafTemplate,
  authority: Authority,
  ctLog: CtLog,
  sign: Sign,
  trace: Trace,
): Promise<Uint8Array> {
  // 7. The precertificate, signed.
  const promised = precertificateTbs(template)
  const precertificate = await trace('precertificate', () => sign('precertificate', promised))
  // 8. The CT log's promise. After a crash here the log knows a precertificate that never became a certificate.
  const sct = await trace('ct', async () => {
    const promise = await ctLog.addPreChain(precertificate, authority.chain)
    await assertPromise(promise, template, authority)
    return promise.sct
  })
  return trace('final', async () => {
    // 9. The final certificate, with that promise in it.
    const sctList = encodeSctList([sct])
    const certificate = await sign('certificate', finalTbs(template, sctList))
    // 10. A look at our own work, before anybody else has one.
    await assertSound(certificate, promised, sctList, authority)
    return certificate
  })
}

/** Steps 9 and 10 alone: the certificate as it stands, and the same look at it. */
async function withoutPromise(
  template: LeafTemplate,
  authority: Authority,
  sign: Sign,
  trace: Trace,
): Promise<Uint8Array> {
  return trace('final', async () => {
    const tbs = plainTbs(template)
    const certificate = await sign('certificate', tbs)
    await assertOurWork(certificate, authority, (parsed) => {
      if (!equalBytes(parsed.tbs, tbs)) throw new Error('the certificate is not the one that was signed')
    })
    return certificate
  })
}

const chainPems = new WeakMap<Authority, readonly string[]>()

/** Encoded once for each authority. */
function chainPemOf(authority: Authority): readonly string[] {
  const known = chainPems.get(authority)
  if (known !== undefined) return known
  const pems = authority.chain.map(({ der }) => encodeCertificatePem(der))
  chainPems.set(authority, pems)
  return pems
}

function buildTemplate(
  { chain }: Authority,
  identity: Identity,
  { publicKey }: RequestedKey,
  serialNumber: Uint8Array,
  notBefore: Date,
): LeafTemplate {
  const end = notBefore.getTime() + leafLifetimeSeconds * 1000
  if (chain.some(({ notAfter }) => notAfter.getTime() < end))
    throw new IssuanceError(
      'issuing_certificate_ends',
      'the certificate authority ends before a new certificate would; it must be renewed',
    )
  const content = certificateContent(identity)
  try {
    return leafTemplate({
      serialNumber,
      issuer: chain[0],
      notBefore,
      publicKey: publicKey.spki,
      ...content,
    })
  } catch (cause) {
    if (cause instanceof X509Error && cause.code === 'issuer_expires')
      throw new IssuanceError('issuing_certificate_ends', cause.message, { cause })
    throw cause
  }
}

async function signed({ signer }: Authority, tbs: Uint8Array): Promise<Uint8Array> {
  let signature: Uint8Array
  try {
    signature = await signer.sign(tbs)
  } catch (cause) {
    throw new IssuanceError('signing_key_unavailable', 'error communicating with CA backend', { cause })
  }
  return assembleCertificate(tbs, signer.algorithm, signature)
}

/** By the key of the log that gave it, and by no other. */
async function assertPromise(
  { sct, publicKey }: CtPromise,
  template: LeafTemplate,
  { chain }: Authority,
): Promise<void> {
  const entry = { type: 'precert', issuerKeyHash: sha256(chain[0].spki), tbs: plainTbs(template) } as const
  // Clients refuse a certificate with such an SCT, and a log that signs wrongly is not to be trusted.
  if (!(await verifySct(sct, entry, publicKey)))
    throw new IssuanceError('ct_log_unavailable', 'the SCT of the CT log does not verify with its public key')
}

async function assertSound(
  certificate: Uint8Array,
  promised: Uint8Array,
  sctList: Uint8Array,
  authority: Authority,
): Promise<void> {
  await assertOurWork(certificate, authority, (parsed) => {
    assertPrecertificateMatches(promised, parsed.tbs)
    const embedded = sctListOf(parsed)
    if (embedded === undefined || !equalBytes(embedded, sctList))
      throw new Error('the SCT is not in the certificate')
  })
}

/** It parses, holds what it should, and its signature verifies. */
async function assertOurWork(
  certificate: Uint8Array,
  { chain }: Authority,
  assertContent: (parsed: Certificate) => void,
): Promise<void> {
  try {
    const parsed = parseCertificate(certificate)
    assertContent(parsed)
    // A key that signs wrongly (a fault, a stolen slot of an HSM) is found here and not by every verifier.
    if (!(await verifyCertificateSignature(parsed, chain[0])))
      throw new Error('the signature of the certificate does not verify')
  } catch (cause) {
    throw new IssuanceError('self_check_failed', 'the new certificate failed the check of the CA', { cause })
  }
}
