/** Of what somebody has signed as CMS, timestamps alone are logged as timestamps. */
import { createHash } from 'node:crypto'
import { defaultClientAlgorithms, der, derOid, derTag } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import t from 'tap'
import { attribute, type Certified, type Cms, certified, signedData } from './support/certified.ts'
import { base64, bytes } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date() }
const post = (response: Uint8Array) =>
  verifyProposal(
    { apiVersion: '0.0.1', kind: 'rfc3161', spec: { tsr: { content: base64(response) } } },
    policy,
  )
const refused = (message: string | RegExp) => ({ name: 'EntryError', code: 'bad_format', message })

const ann = await certified({ type: 'email', value: 'ann@example.org' }, 'https://accounts.example.org')
const tst = '1.2.840.113549.1.9.16.1.4'
const data = '1.2.840.113549.1.7.1'
const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)
const integer = (value: number) => der(derTag.integer, Uint8Array.of(value))
const octets = (content: Uint8Array) => der(derTag.octetString, content)
const type = (oid: string) => attribute('1.2.840.113549.1.9.3', derOid(oid))
const digestOf = (content: Uint8Array) =>
  attribute('1.2.840.113549.1.9.4', octets(createHash('sha256').update(content).digest()))

const infoParts = {
  version: integer(1),
  policy: derOid('1.3.6.1.4.1.57264.2'),
  imprint: sequence(sequence(derOid('2.16.840.1.101.3.4.2.1')), octets(new Uint8Array(32))),
  serialNumber: integer(7),
  time: der(0x18, Buffer.from('20260101000000Z')),
}
const infoOf = (parts: Partial<typeof infoParts> = {}) =>
  sequence(...Object.values({ ...infoParts, ...parts }))
const info = infoOf()

/** With everything in place but what is said. */
function response(content: Uint8Array, cms: Cms = {}, signers: readonly Certified[] = [ann]): Uint8Array {
  const attributes = [type(tst), digestOf(content)]
  const token = signedData(
    content,
    signers,
    signers.map((signer) => signer.der),
    { contentType: tst, isWhole: true, attributes, ...cms },
  )
  return sequence(sequence(integer(0)), token)
}
const bare = { contentType: tst, isWhole: true }
const withoutAttributes = (content: Uint8Array, contentType = tst) =>
  sequence(sequence(integer(0)), signedData(content, [ann], [ann.der], { ...bare, contentType }))

t.test('a timestamp token is logged, by the signer that it names', async (t) => {
  const { verifiers } = await post(response(info))
  t.same(
    verifiers.map(({ subjects }) => subjects),
    [[ann.subject]],
  )
  await post(bytes('inputs/rfc3161/test.tsr'))
})

t.test('a mail that somebody signed is no timestamp, whatever stands in it', async (t) => {
  const mail = Buffer.from('see you at lunch\n')
  const attributes = (content: Uint8Array) => [type(data), digestOf(content)]
  for (const content of [mail, info]) {
    const cms = { contentType: data, attributes: attributes(content) }
    await t.rejects(post(response(content, cms)), refused(`tsr: no timestamp token: ${data}`))
    await t.rejects(post(withoutAttributes(content, data)), refused(`tsr: no timestamp token: ${data}`))
  }
  const renamed = { attributes: attributes(info) }
  await t.rejects(post(response(info, renamed)), refused(/the signed content type is another$/))
})

t.test('a timestamp token has signed attributes, each of them once and of its content', async (t) => {
  await t.rejects(
    post(withoutAttributes(info)),
    refused('tsr verification error: pkcs7: signed attributes are missing'),
  )
  const cases: readonly (readonly [readonly Uint8Array[], string])[] = [
    [[], 'the message digest is missing'],
    [[type(tst)], 'the message digest is missing'],
    [[digestOf(info)], 'the signed content type is missing'],
    [[type(tst), digestOf(Buffer.from('x'))], 'content digest does not match'],
    [[type(tst), type(tst), digestOf(info)], 'several signed content types'],
    [[type(tst), digestOf(info), digestOf(info)], 'several message digests'],
  ]
  for (const [attributes, reason] of cases)
    await t.rejects(
      post(response(info, { attributes })),
      refused(`tsr verification error: pkcs7: ${reason}`),
      reason,
    )
})

t.test('what a token holds is a TSTInfo, and one authority signed it', async (t) => {
  const wrong = octets(Buffer.from('x'))
  for (const part of Object.keys(infoParts))
    await t.rejects(
      post(response(infoOf({ [part]: wrong }))),
      refused('tsr: TSTInfo is malformed'),
      `${part} of another type`,
    )
  const cases = {
    'another version': infoOf({ version: integer(2) }),
    'no hash': infoOf({ imprint: sequence(wrong, wrong) }),
    'no imprint': infoOf({ imprint: sequence(sequence(derOid(tst)), integer(1)) }),
    'no month of that number': infoOf({ time: der(0x18, Buffer.from('20261301000000Z')) }),
    'no parts': sequence(),
  }
  for (const [name, content] of Object.entries(cases))
    await t.rejects(post(response(content)), refused('tsr: TSTInfo is malformed'), name)
  const inWords = infoOf({ time: der(0x18, Buffer.from('yesterday')) })
  for (const content of [Buffer.from('x'), inWords, der(derTag.set, info), Buffer.concat([info, info])])
    await t.rejects(post(response(content)), refused(/^tsr: /))
  await t.rejects(post(response(info, { isWhole: false })), refused(`tsr: no timestamp token: ${tst}`))
  const bob = await certified({ type: 'email', value: 'bob@example.org' }, 'https://accounts.example.org')
  await t.rejects(post(response(info, {}, [ann, bob])), refused('tsr: a timestamp token has one signer'))
})
