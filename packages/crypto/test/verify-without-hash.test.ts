import { generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { parsePublicKey, preAuthenticationEncoding, utf8, verifySignature } from '../src/index.ts'

t.test('only pure Ed25519 verifies without a hash', async (t) => {
  const message = utf8('message')
  const ed25519 = generateKeyPairSync('ed25519')
  const key = parsePublicKey(ed25519.publicKey.export({ type: 'spki', format: 'der' }))
  t.ok(await verifySignature(key, undefined, message, sign(null, message, ed25519.privateKey)))
  for (const { publicKey, privateKey } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ]) {
    const key = parsePublicKey(publicKey.export({ type: 'spki', format: 'der' }))
    const signature = sign('sha256', message, privateKey)
    t.ok(await verifySignature(key, 'sha256', message, signature))
    t.notOk(await verifySignature(key, undefined, message, signature))
  }
})

t.test('an envelope is signed with its type and lengths, counted in bytes', (t) => {
  const encoded = preAuthenticationEncoding({ payloadType: 'é', payload: utf8('ab c') })
  t.equal(Buffer.from(encoded).toString(), 'DSSEv1 2 é 4 ab c')
  t.end()
})
