/** The signature of a file as cosign kept it before bundles: one JSON object beside the file. */
import { encodePem, toBase64, utf8 } from '@sigstack/crypto'
import type { Bundle } from '@sigstack/verification'
import { encodeEnvelope } from '../encode-bundle.ts'
import { rekorBundle } from './layer.ts'

/** A key is not told: who verifies has it, and a verifier that took it from here would believe anybody. */
export function encodeLegacyBundle({ material, content, entries: [entry] }: Bundle): string {
  const members = [
    // Of a statement it is the envelope.
    `"base64Signature":"${toBase64(content.type === 'envelope' ? utf8(encodeEnvelope(content)) : content.signature)}"`,
    ...('certificate' in material
      ? [`"cert":"${toBase64(utf8(encodePem('CERTIFICATE', material.certificate)))}"`]
      : []),
    ...(entry === undefined ? [] : [`"rekorBundle":${rekorBundle(entry)}`]),
  ]
  return `{${members.join(',')}}`
}
