import { concatBytes, utf8 } from './bytes.ts'

/** What is signed: the pre-authentication encoding of the DSSE protocol, version 1. Lengths count bytes. */
export function preAuthenticationEncoding(envelope: {
  readonly payloadType: string
  readonly payload: Uint8Array
}): Uint8Array {
  const type = utf8(envelope.payloadType)
  const { payload } = envelope
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload)
}
