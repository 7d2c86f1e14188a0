import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { CompactSign } from 'jose'
import t from 'tap'
import { isSignedBy } from '../src/token/jws.ts'
import { acceptedAlgorithms } from '../src/token/key-set.ts'

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
const [rsa, otherRsa, longRsa] = [2048, 2048, 4104].map((modulusLength) =>
  generateKeyPairSync('rsa', { modulusLength }),
)

function pairFor(algorithm: string, other = false): Pair {
  const namedCurve = curves[algorithm]
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve })
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  return (other ? otherRsa : rsa) as Pair
}

/** What another implementation of JWS signs. */
function signed(alg: string, key: KeyObject, payload = '{"sub":"somebody"}'): Promise<string> {
  return new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg }).sign(key)
}

t.test('what was signed by each algorithm that is accepted, and nothing else', async (t) => {
  for (const algorithm of acceptedAlgorithms) {
    const { publicKey, privateKey } = pairFor(algorithm)
    const token = await signed(algorithm, privateKey)
    t.equal(await isSignedBy(token, algorithm, publicKey), true, algorithm)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const other = await signed(algorithm, privateKey, '{"sub":"somebody else"}')
    const first = signature.startsWith('A') ? 'B' : 'A'
    const wrong = {
      'another payload': `${header}.${other.split('.')[1]}.${signature}`,
      'another header': `${other.split('.')[1]}.${payload}.${signature}`,
      'another signature': `${header}.${payload}.${other.split('.')[2]}`,
      'a changed signature': `${header}.${payload}.${first}${signature.slice(1)}`,
      'a shorter signature': `${header}.${payload}.${signature.slice(0, -4)}`,
      'a longer signature': `${token}AAAA`,
      'no signature': `${header}.${payload}.`,
    }
    for (const [name, each] of Object.entries(wrong))
      t.equal(await isSignedBy(each, algorithm, publicKey), false, `${algorithm}: ${name}`)
    t.equal(
      await isSignedBy(token, algorithm, pairFor(algorithm, true).publicKey),
      false,
      `${algorithm}: another key`,
    )
  }
})

t.test('algorithms of one kind of key are told apart', async (t) => {
  const ofRsa = acceptedAlgorithms.filter((name) => /^[RP]S/.test(name))
  for (const algorithm of ofRsa) {
    const token = await signed(algorithm, rsa!.privateKey)
    for (const other of ofRsa) t.equal(await isSignedBy(token, other, rsa!.publicKey), other === algorithm)
  }
})

t.test('ECDSA in DER is no signature of JWS', async (t) => {
  const { publicKey, privateKey } = pairFor('ES256')
  const input = (await signed('ES256', privateKey)).split('.').slice(0, 2).join('.')
  const inDer = sign('sha256', Buffer.from(input), privateKey)
  t.equal(await isSignedBy(`${input}.${inDer.toString('base64url')}`, 'ES256', publicKey), false)
})

t.test('a long RSA key, and what is no algorithm of signatures', async (t) => {
  const token = await signed('RS256', longRsa!.privateKey)
  t.equal(await isSignedBy(token, 'RS256', longRsa!.publicKey), true)
  for (const name of ['none', 'HS256', 'toString'])
    await t.rejects(
      isSignedBy(token, name, longRsa!.publicKey),
      { message: /is no algorithm of signatures/ },
      name,
    )
})
