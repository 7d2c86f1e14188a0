/** One signature in an old tag: a layer with what is signed, and its annotations with the rest. */
import { encodePem, toBase64, toHex, utf8 } from '@sigstack/crypto'
import type { LogEntry } from '@sigstack/verification'
import { encodeEnvelope } from '../encode-bundle.ts'
import type { CertificateChain } from '../services/certificate-authority.ts'
import { type SignOptions, signEnvelope, signMessage, witnessed } from '../sign.ts'
import { statementPayloadType } from '../statements/statement.ts'
import type { Testimonies } from '../witness.ts'
import { simpleSigningMediaType } from './simple-signing.ts'

export const envelopeMediaType = 'application/vnd.dsse.envelope.v1+json'

export type LegacyLayer = {
  readonly mediaType: string
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

/** A layer of a `.sig` tag. `payload`: what is signed, as `simpleSigningPayload` makes it or another program. */
export async function signPayloadLegacy(payload: Uint8Array, options: SignOptions): Promise<LegacyLayer> {
  const { bundle } = await signMessage([payload], { ...options, witnesses: [] })
  const { content } = bundle
  const { chain, testimonies } = await witnessed(content, options)
  return signatureLayer(payload, content.signature, chain, testimonies)
}

/** A layer of a `.sig` tag out of what was signed elsewhere. */
export function signatureLayer(
  payload: Uint8Array,
  signature: Uint8Array,
  chain: CertificateChain | undefined,
  testimonies: Testimonies,
): LegacyLayer {
  const annotations = annotationsOf(toBase64(signature), chain, testimonies)
  return { mediaType: simpleSigningMediaType, payload, annotations }
}

/** A layer of an `.att` tag out of an envelope that was signed elsewhere; its bytes stay what they are. */
export function envelopeLayer(payload: Uint8Array, predicateType: string): LegacyLayer {
  const annotations = { ...annotationsOf('', undefined, { entries: [], timestamps: [] }), predicateType }
  return { mediaType: envelopeMediaType, payload, annotations }
}

/** A layer of an `.att` tag. Its timestamps are over the whole envelope. */
export async function attestImageLegacy(
  statement: Uint8Array,
  predicateType: string,
  options: SignOptions,
): Promise<LegacyLayer> {
  const unsigned = { payload: statement, payloadType: statementPayloadType }
  const { content } = (await signEnvelope(unsigned, { ...options, witnesses: [] })).bundle
  if (content.type !== 'envelope') throw new Error('an envelope was signed')
  const payload = utf8(encodeEnvelope(content))
  const { chain, testimonies } = await witnessed(content, options, payload)
  return {
    mediaType: envelopeMediaType,
    payload,
    annotations: { ...annotationsOf('', chain, testimonies), predicateType },
  }
}

function annotationsOf(
  signature: string,
  chain: CertificateChain | undefined,
  { entries: [entry], timestamps: [timestamp] }: Testimonies,
): Readonly<Record<string, string>> {
  const pem = (der: Uint8Array): string => encodePem('CERTIFICATE', der)
  return {
    'dev.cosignproject.cosign/signature': signature,
    ...(chain && { 'dev.sigstore.cosign/certificate': pem(chain.leaf) }),
    ...(chain && { 'dev.sigstore.cosign/chain': chain.issuers.map(pem).join('') }),
    ...(entry && { 'dev.sigstore.cosign/bundle': rekorBundle(entry) }),
    ...(timestamp && {
      'dev.sigstore.cosign/rfc3161timestamp': JSON.stringify({
        SignedRFC3161Timestamp: toBase64(timestamp),
      }),
    }),
  }
}

/** Numbers, as old readers want them. */
export function rekorBundle({ promise, body, integratedTime, logIndex, logId }: LogEntry): string {
  const members = [
    `"body":"${toBase64(body)}"`,
    `"integratedTime":${integratedTime}`,
    `"logIndex":${logIndex}`,
    `"logID":"${toHex(logId)}"`,
  ]
  const set = toBase64(promise ?? new Uint8Array())
  return `{"SignedEntryTimestamp":"${set}","Payload":{${members.join(',')}}}`
}
