import { randomBytes } from 'node:crypto'
import { encodePem } from '@sigstack/crypto'
import fc from 'fast-check'
import t from 'tap'
import { pack, unpack } from '../src/pack.ts'

fc.configureGlobal({ seed: 1 })

function hashedrekord(pem: string): Buffer {
  const spec = {
    data: { hash: { algorithm: 'sha256', value: randomBytes(32).toString('hex') } },
    signature: {
      content: randomBytes(71).toString('base64'),
      publicKey: { content: Buffer.from(pem).toString('base64') },
    },
  }
  return Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind: 'hashedrekord', spec }))
}

t.test('an entry with a certificate is stored in little more than its certificate', async (t) => {
  const certificate = randomBytes(700)
  const leaf = hashedrekord(encodePem('CERTIFICATE', certificate))
  const stored = pack(leaf)
  t.same(unpack(stored), leaf)
  t.ok(stored.length < leaf.length * 0.65, `${stored.length} of ${leaf.length} bytes`)
  const chain = hashedrekord(
    encodePem('CERTIFICATE', certificate) + encodePem('CERTIFICATE', randomBytes(720)),
  )
  t.same(unpack(pack(chain)), chain)
})

t.test('whatever is stored comes back byte for byte', async () => {
  const base64 = fc
    .uint8Array({ minLength: 40, maxLength: 400 })
    .map((bytes) => Buffer.from(bytes).toString('base64'))
  const pem = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => encodePem('PUBLIC KEY', bytes))
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    fc.string().map((text) => Buffer.from(text)),
    base64.map((text) => Buffer.from(text)),
    base64.map((text) => Buffer.from(text.replaceAll('=', ''))),
    pem.map((text) => Buffer.from(text)),
    pem.map((text) => Buffer.from(Buffer.from(text).toString('base64'))),
    pem.map((text) => Buffer.from(Buffer.from(text.replaceAll('\n', '\r\n')).toString('base64'))),
    pem.map((text) => Buffer.from(Buffer.from(text.trimEnd()).toString('base64'))),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const leaf = Buffer.concat(pieces)
      return unpack(pack(leaf)).equals(leaf)
    }),
    { numRuns: 500 },
  )
})

t.test('stored bytes that were not packed here are refused', async (t) => {
  for (const bytes of [[], [2], [1, 9, 0], [1, 0, 5, 1], [1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]]) {
    t.throws(() => unpack(Uint8Array.from(bytes)))
  }
})
