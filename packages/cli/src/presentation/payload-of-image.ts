/** What was signed of an image, as cosign prints it for the next program: JSON in Go's form. */
import { goJson, type JsonValue, sortedMembers, toBase64 } from '@sigstack/crypto'
import { rekorBundle } from '@sigstack/signing'
import { describeFulcioExtension, fulcioArc, parseCertificate } from '@sigstack/x509'
import type { FoundAttachment } from '../images/verify-attached.ts'

/** `given`: how the caller named the image. Old signatures say themselves what they are of, and get their proofs along. */
export function payloadOf(found: FoundAttachment, given: string, form: 'json' | 'text'): string {
  const { claim, format } = found
  const annotations = claim.annotations as Readonly<Record<string, JsonValue>>
  const added = format === 'legacy' && form === 'json' ? proofsOf(found) : {}
  const optional = { ...annotations, ...added }
  const isEmpty = Object.keys(optional).length === 0
  return goJson({
    critical: {
      identity: { 'docker-reference': claim.reference ?? given },
      image: { 'docker-manifest-digest': claim.digest },
      type: claim.type,
    },
    optional: isEmpty && format === 'legacy' ? null : sortedMembers(optional),
  })
}

function proofsOf({ bundle, identity, wasSearched }: FoundAttachment): Readonly<Record<string, JsonValue>> {
  const [[entry], [timestamp]] = [bundle.entries, bundle.timestamps]
  return {
    ...('certificate' in bundle.material && extensionsOf(bundle.material.certificate)),
    ...(identity && { Subject: identity.subject }),
    ...(identity?.issuer !== undefined && { Issuer: identity.issuer }),
    // Of what stands beside the signature.
    ...(entry && wasSearched !== true && { Bundle: JSON.parse(rekorBundle(entry)) as JsonValue }),
    ...(timestamp && { RFC3161Timestamp: { SignedRFC3161Timestamp: toBase64(timestamp) } }),
  }
}

/** Those with bare text: what a job of GitHub said by its name, the issuer by its number. */
function extensionsOf(certificate: Uint8Array): Readonly<Record<string, string>> {
  const bare = parseCertificate(certificate).extensions.filter(({ oid }) =>
    /^[1-6]$/.test(oid.startsWith(`${fulcioArc}.`) ? oid.slice(fulcioArc.length + 1) : ''),
  )
  return Object.fromEntries(
    bare.map((extension) => {
      const { oid, name, value } = describeFulcioExtension(extension)
      return [name.startsWith('github') ? name : oid, value]
    }),
  )
}
