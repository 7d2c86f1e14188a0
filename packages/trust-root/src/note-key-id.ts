import { concatBytes, sha256, utf8 } from '@sigstack/crypto'

/** All 32 bytes of the key ID of an Ed25519 signed-note key (C2SP signed-note, signature type 0x01). */
export function noteKeyId(origin: string, rawKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(origin), Uint8Array.of(0x0a, 0x01), rawKey))
}
