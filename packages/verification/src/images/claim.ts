/** What a signature says of an image: which manifest is meant, and what its signer wrote beside it. */
import { isObject, parseStrictJson, quoted, StrictJsonError, toHex } from '@sigstack/crypto'
import type { Artifact } from '../artifact.ts'
import type { Envelope } from '../bundle.ts'
import { notVerified } from '../errors.ts'
import { isAbout, parseStatement, subjectsOf } from '../statement.ts'

export type ImageClaim = {
  /** Of the manifest, `sha256:` and hex. */
  readonly digest: string
  /** The repository, as signatures in old tags name it; nobody is held to it. */
  readonly reference?: string
  /** The predicate type of a statement, or the one type of old signatures. */
  readonly type: string
  readonly annotations: Readonly<Record<string, unknown>>
}

export const simpleSigningType = 'cosign container image signature'
const mostNames = 10_000

/** Of the subject that is the artifact; of the first one where there is none to compare. */
export function claimOfStatement(envelope: Envelope, artifact: Artifact | undefined): ImageClaim {
  const statement = parseStatement(envelope)
  const subjects = subjectsOf(statement)
  const subject = artifact === undefined ? subjects[0] : subjects.find((each) => isAbout(each, artifact))
  const members = isObject(subject) ? subject : {}
  const sha256 = isObject(members['digest']) ? members['digest']['sha256'] : undefined
  return {
    digest: `sha256:${typeof sha256 === 'string' ? sha256 : ''}`,
    type: String(statement['predicateType']),
    annotations: isObject(members['annotations']) ? members['annotations'] : {},
  }
}

/** Cosign's SIGNATURE_SPEC.md. Throws `not_verified` for a payload of another form. */
export function claimOfSimpleSigning(payload: Uint8Array): ImageClaim {
  const critical = objectAt(parse(payload), 'critical')
  const { type } = critical
  const digest = objectAt(critical, 'image')['docker-manifest-digest']
  const reference = objectAt(critical, 'identity')['docker-reference']
  if (type !== simpleSigningType)
    throw notVerified(`the signed payload is of the type ${quoted(type, 100)} and not a ${simpleSigningType}`)
  if (typeof digest !== 'string' || typeof reference !== 'string')
    throw notVerified('the signed payload names no image')
  const { optional } = parse(payload)
  return { digest, reference, type, annotations: isObject(optional) ? optional : {} }
}

/** A claim is for one digest, by the name of its hash: any that is known of the image will do. */
export function demandDigest(claim: ImageClaim, { digests }: Artifact): void {
  const known = Object.entries(digests).map(([algorithm, digest]) => `${algorithm}:${toHex(digest)}`)
  if (known.includes(claim.digest)) return
  throw notVerified(
    `invalid or missing digest in claim: the signature is for ${quoted(claim.digest, 100)}, and the image is ${known.join(', ')}`,
  )
}

/** Throws `not_verified` that names the first one which is missing or another. */
export function demandAnnotations(claim: ImageClaim, wanted: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(wanted)) {
    const found = Object.hasOwn(claim.annotations, name) ? claim.annotations[name] : undefined
    if (found === value) continue
    const said = found === undefined ? 'missing' : quoted(found, 100)
    throw notVerified(`the annotation ${quoted(name, 100)} is ${said}, expected ${quoted(value, 100)}`)
  }
}

function parse(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(payload, { mostNames })
    if (isObject(value)) return value
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw notVerified(`the signed payload cannot be read: ${cause.message}`, { cause })
  }
  throw notVerified('the signed payload is no JSON object')
}

function objectAt(value: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const found = Object.hasOwn(value, name) ? value[name] : undefined
  if (isObject(found)) return found
  throw notVerified(`the signed payload has no ${name}`)
}
