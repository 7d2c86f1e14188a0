/** The payload of signatures in `.sig` tags, byte for byte as cosign writes it (its SIGNATURE_SPEC.md). */
import { goJson, sortedMembers, utf8 } from '@sigstack/crypto'

export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'

export type SimpleSigning = {
  /** The repository, without tag and digest. */
  readonly reference: string
  /** `sha256:` and hex. */
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

export function simpleSigningPayload({ reference, digest, annotations = {} }: SimpleSigning): Uint8Array {
  return utf8(
    goJson({
      critical: {
        identity: { 'docker-reference': reference },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: Object.keys(annotations).length === 0 ? null : sortedMembers(annotations),
    }),
  )
}
