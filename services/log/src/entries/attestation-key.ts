/** Under which key an entry's attestation is kept: `sha256:<hex>` of what its body says was attested. */
import { asBuffer, parseUtf8 } from '@sigstack/crypto'

/** Canonical bodies begin alike, so the kinds without attestations are told by their first bytes. */
const attestingKinds = /^\{"apiVersion":"[^"]{1,64}","kind":"(intoto|cose)",/
const longestStart = 120

export function attestationKeyOf(body: Uint8Array): string | undefined {
  const kind = attestingKinds.exec(asBuffer(body.subarray(0, longestStart)).toString('latin1'))?.[1]
  if (kind === undefined) return undefined
  const { spec } = JSON.parse(parseUtf8(body) ?? '{}') as { spec?: Spec }
  const hash = kind === 'intoto' ? spec?.content?.payloadHash : spec?.data?.envelopeHash
  return hash?.algorithm === 'sha256' && typeof hash.value === 'string' ? `sha256:${hash.value}` : undefined
}

type HashField = { readonly algorithm?: unknown; readonly value?: unknown }
type Spec = {
  readonly content?: { readonly payloadHash?: HashField }
  readonly data?: { readonly envelopeHash?: HashField }
}
