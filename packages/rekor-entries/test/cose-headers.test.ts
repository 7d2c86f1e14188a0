/** Which headers of a COSE_Sign1 message are what they say (RFC 9052 section 3.1): one reader takes them as another does. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import { encode } from 'cbor2'
import t from 'tap'
import { base64 } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date() }
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = publicKey.export({ format: 'pem', type: 'spki' })
const payload = new TextEncoder().encode('payload')

type Headers = { readonly protectedHex?: string; readonly unprotectedHex?: string; readonly aad?: string }

const es256 = 'a10126'

/** Signed with ES256, whatever its headers say. */
function post({ protectedHex = es256, unprotectedHex = 'a0', aad = '' }: Headers) {
  const [header, external] = [Buffer.from(protectedHex, 'hex'), Buffer.from(aad)].map(
    (bytes) => new Uint8Array(bytes),
  )
  const toSign = encode(['Signature1', header, external, payload])
  const signature = new Uint8Array(sign('sha256', toSign, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
  const message = Buffer.concat([
    Buffer.from([0xd2, 0x84]),
    encode(header),
    Buffer.from(unprotectedHex, 'hex'),
    encode(payload),
    encode(signature),
  ])
  const spec = { message: base64(message), publicKey: base64(pem), data: { aad: base64(aad) } }
  return verifyProposal({ apiVersion: '0.0.1', kind: 'cose', spec }, policy)
}

t.test('headers that fit the key are taken, in either part and in any encoding of the number', async () => {
  const taken: readonly Headers[] = [
    {},
    { protectedHex: 'a1013806' },
    { protectedHex: 'b8010126' },
    { protectedHex: '', aad: 'x' },
    { protectedHex: '', unprotectedHex: 'a10126', aad: 'x' },
    { unprotectedHex: 'a118630f' },
    { unprotectedHex: 'a16361626301' },
    // A float as a value is nobody's business.
    { protectedHex: 'a201261863f93c00' },
  ]
  for (const headers of taken) await post(headers)
})

t.test(
  'an algorithm that is not that of the key is refused, in either part, with external data or not',
  async (t) => {
    const mismatch = (named: string) => ({
      name: 'EntryError',
      code: 'bad_signature',
      message: `algorithm mismatch: verifier ES256: header ${named}`,
    })
    for (const aad of ['', 'x']) {
      await t.rejects(post({ protectedHex: 'a1013823', aad }), mismatch('ES512'))
      await t.rejects(post({ protectedHex: 'a101654553353132', aad }), mismatch('"ES512"'))
      await t.rejects(post({ protectedHex: 'a101654553323536', aad }), mismatch('"ES256"'))
    }
    const withoutProtected = { protectedHex: '', aad: 'x' }
    await t.rejects(post({ ...withoutProtected, unprotectedHex: 'a1013823' }), mismatch('ES512'))
    await t.rejects(post({ ...withoutProtected, unprotectedHex: 'a101654553353132' }), mismatch('"ES512"'))
    await t.rejects(post({ protectedHex: '', unprotectedHex: 'a10126' }), { message: 'algorithm not found' })
  },
)

t.test('an algorithm is an integer or a text, and so is each label', async (t) => {
  const malformed = (reason: string) => ({
    name: 'EntryError',
    code: 'bad_format',
    message: `cbor: ${reason}`,
  })
  // A bignum of -7, floats of -7 in three sizes, a byte string, null, undefined, true, a list.
  const odd = ['c34106', 'f9c700', 'fac0e00000', 'fbc01c000000000000', '4126', 'f6', 'f7', 'f5', '8126']
  for (const value of odd) {
    const reason = malformed('the algorithm is neither an integer nor a text')
    await t.rejects(post({ protectedHex: `a101${value}` }), reason, value)
    await t.rejects(post({ protectedHex: `a101${value}`, aad: 'x' }), reason, value)
    await t.rejects(post({ protectedHex: '', unprotectedHex: `a101${value}`, aad: 'x' }), reason, value)
  }
  // A float, a bignum and a byte string of 1, null.
  for (const label of ['f93c00', 'c24101', '4101', 'f6']) {
    const reason = malformed('a header label is neither an integer nor a text')
    await t.rejects(post({ protectedHex: `a20126${label}3823` }), reason, label)
    await t.rejects(post({ unprotectedHex: `a1${label}3823` }), reason, label)
  }
})

t.test('one label has one value, however it is encoded', async (t) => {
  await t.rejects(post({ protectedHex: 'a2012618013823' }), { message: 'cbor: a map has a key twice' })
  await t.rejects(post({ protectedHex: 'a2180138230126' }), { message: 'cbor: a map has a key twice' })
  await t.rejects(post({ protectedHex: 'a2012601382300' }), { code: 'bad_format' })
  await t.rejects(post({ unprotectedHex: 'a1180126' }), {
    message: 'cbor: header 1 is protected and unprotected',
  })
})

t.test('critical headers are refused, and those that are not protected are told so', async (t) => {
  await t.rejects(post({ protectedHex: 'a20126028101' }), {
    message: 'cbor: critical headers are not supported',
  })
  await t.rejects(post({ unprotectedHex: 'a1028101' }), {
    message: 'cbor: critical headers must be protected',
  })
})
