/** A root of a TUF repository, signed by its own key and valid for a day. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { canonicalJson, sha256Hex } from '@sigstack/crypto'

export function createTufRoot(now: Date): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw } }
  const id = sha256Hex(canonicalJson(key))
  const role = { keyids: [id], threshold: 1 }
  const signed = {
    _type: 'root',
    spec_version: '1.0.31',
    version: 1,
    expires: new Date(now.getTime() + 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z'),
    consistent_snapshot: true,
    keys: { [id]: key },
    roles: { root: role, targets: role, snapshot: role, timestamp: role },
  }
  // Its strings need no escapes, so both canonical forms of JSON are the same.
  const sig = sign(null, Buffer.from(canonicalJson(signed)), privateKey).toString('hex')
  return JSON.stringify({ signed, signatures: [{ keyid: id, sig }] })
}
