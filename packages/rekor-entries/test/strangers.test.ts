/** Whoever has what somebody signed, and not the key, logs nothing else in that name. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal } from '@sigstack/rekor-entries'
import { createMessage, generateKey, sign } from 'openpgp'
import t from 'tap'
import { certified, signedData } from './support/certified.ts'
import { apk, jarFileOf, rpmFileOf, rpmHeader, section } from './support/packages.ts'
import { base64 } from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date() }
const verify = (kind: string, spec: unknown) => verifyProposal({ apiVersion: '0.0.1', kind, spec }, policy)
const malformed = (message: string | RegExp) => ({ name: 'EntryError', code: 'bad_format', message })

// jar

const ann = await certified({ type: 'email', value: 'ann@example.org' }, 'https://accounts.example.org')
const signed = (content: Uint8Array) => signedData(content, [ann], [ann.der])
const jar = (content: Uint8Array) => verify('jar', { archive: { content: base64(content) } })
const own = { sections: [section('a', 'a')], files: { a: 'a' }, signed }

t.test('a JAR with files that its signer did not sign is refused', async (t) => {
  await jar(jarFileOf(own))
  await jar(jarFileOf({ ...own, files: { 'directory/': '', a: 'a', 'META-INF/': '' } }))
  for (const name of ['Evil.class', 'META-INF/services/x', 'META-INF/y.txt', 'META-INF/manifest.mf'])
    await t.rejects(
      jar(jarFileOf({ ...own, files: { a: 'a', [name]: 'more' } })),
      malformed(/manifest|sequence/),
      name,
    )
  await t.rejects(
    jar(jarFileOf({ ...own, files: { a: 'a', 'x/': 'more' } })),
    malformed('file "x/" is in JAR but not manifest'),
  )
})

t.test('a file of a JAR has its digest, also where it would be signed in a way of its own', async (t) => {
  const sections = [section('a', 'a', 'Magic: x\r\nSHA-256-Digest: x')]
  await t.rejects(jar(jarFileOf({ ...own, sections })), malformed(/^file "a" is signed in a way of its own/))
})

t.test('where sections are signed one by one, each is', async (t) => {
  const digest = (text: string) => createHash('sha256').update(text).digest('base64')
  const signatureFile = (main: string) =>
    `Signature-Version: 1.0\r\nSHA-256-Digest-Manifest-Main-Attributes: ${digest(main)}\r\n\r\n` +
    section('a', section('a', 'a'))
  await jar(jarFileOf({ ...own, signatureFile }))
  const sections = [...own.sections, section('b', 'b')]
  await t.rejects(
    jar(jarFileOf({ ...own, sections, files: { a: 'a', b: 'b' }, signatureFile })),
    malformed('section "b" of manifest is not signed'),
  )
})

t.test('a JAR holds what its directory names, once, and nothing before or between', async (t) => {
  const whole = Buffer.from(jarFileOf(own))
  const directory = whole.readUInt32LE(whole.length - 6)
  /** `more` at a place of the archive, with the directory told of where it and its files are. */
  const inserted = (at: number, more: Uint8Array) => {
    const copy = Buffer.concat([whole.subarray(0, at), more, whole.subarray(at)])
    copy.writeUInt32LE(directory + more.length, copy.length - 6)
    for (let entry = directory + more.length; copy.readUInt32LE(entry) === 0x02014b50; ) {
      const offset = copy.readUInt32LE(entry + 42)
      if (offset >= at) copy.writeUInt32LE(offset + more.length, entry + 42)
      entry +=
        46 + copy.readUInt16LE(entry + 28) + copy.readUInt16LE(entry + 30) + copy.readUInt16LE(entry + 32)
    }
    return copy
  }
  await jar(inserted(0, new Uint8Array()))
  const hidden = malformed('zip: there is more in the archive than its directory names')
  const second = whole.indexOf('504b0304', 1, 'hex')
  for (const at of [0, second, directory])
    await t.rejects(jar(inserted(at, Buffer.from('more'))), hidden, `${at}`)
  const fewer = Buffer.from(whole)
  fewer.writeUInt16LE(fewer.readUInt16LE(whole.length - 12) - 1, whole.length - 12)
  await t.rejects(jar(fewer), hidden, 'fewer files than the directory has')
  const behind = Buffer.concat([whole.subarray(0, -22), Buffer.from('more'), whole.subarray(-22)])
  await t.rejects(jar(behind), hidden, 'between the directory and its end')
  const renamed = Buffer.from(whole)
  renamed.write('b', whole.lastIndexOf('504b0304', directory - 1, 'hex') + 30)
  await t.rejects(jar(renamed), hidden, 'one name in front of the file, another in the directory')
  const twice = Buffer.from(jarFileOf({ ...own, files: { a: 'a', b: 'a' } }))
  twice.write('a', twice.lastIndexOf('b'))
  await t.rejects(jar(twice), malformed(/^zip: two files "a"$/))
})

t.test('each digest of a file counts once, under the names that algorithms have', async (t) => {
  const sha256 = createHash('sha256').update('a').digest('base64')
  const of = (...names: readonly string[]) =>
    jar(
      jarFileOf({
        ...own,
        sections: [section('a', 'a', names.map((name) => `${name}-Digest: ${sha256}`).join('\r\n'))],
      }),
    )
  for (const name of ['SHA-256', 'sha256', 'Sha-256']) await of(name)
  for (const name of ['S-HA256', '-SHA256', 'SHA256-', 'SHA--256', 'SHA2-56', ''])
    await t.rejects(of(name), malformed(/^unknown digest key in manifest/), name)
  await t.rejects(of('SHA-256', 'SHA256'), malformed('two digests of one algorithm in manifest: sha256'))
})

// rpm

const { privateKey, publicKey } = await generateKey({
  userIDs: [{ name: 'Distribution', email: 'security@example.org' }],
  type: 'ecc',
  curve: 'ed25519Legacy',
  format: 'object',
})
const signatureOf = async (...parts: readonly Uint8Array[]) =>
  Buffer.from(
    await sign({
      message: await createMessage({ binary: Buffer.concat(parts) }),
      signingKeys: privateKey,
      detached: true,
      format: 'binary',
    }),
  )
const zero = (value: string) => Buffer.from(`${value}\0`)
const named = ['bash', '4.1', '1.el6'].map((value, i) => [1000 + i, 6, 1, zero(value)] as const)
const oldHeader = rpmHeader([...named, [1022, 6, 1, zero('x86_64')]])
const rpm = (content: Uint8Array) =>
  verify('rpm', { package: { content: base64(content) }, publicKey: { content: base64(publicKey.armor()) } })
const binary = (tag: number, value: Uint8Array) => [tag, 7, value.length, value] as const
const md5 = (payload: Uint8Array) =>
  binary(1004, createHash('md5').update(oldHeader).update(payload).digest())

t.test('a signature of an RPM covers its payload, by a digest in the signed header or itself', async (t) => {
  const payload = Buffer.from('payload')
  const other = Buffer.from('other payload')
  const overHeader = binary(268, await signatureOf(oldHeader))
  const overAll = binary(1002, await signatureOf(oldHeader, payload))
  for (const signatures of [[overHeader, overAll], [overAll]])
    await rpm(rpmFileOf([...signatures, md5(payload)], oldHeader, payload))
  await t.rejects(
    rpm(rpmFileOf([overHeader, md5(other)], oldHeader, other)),
    malformed('no signature covers the payload'),
  )
  await t.rejects(rpm(rpmFileOf([overHeader, overAll, md5(other)], oldHeader, other)), {
    code: 'bad_signature',
  })
  const digest = zero(createHash('sha256').update(payload).digest('hex'))
  const eight = Buffer.from([0, 0, 0, 8])
  const header = rpmHeader([
    ...named,
    [1022, 6, 1, zero('x86_64')],
    [5092, 8, 1, digest],
    [5093, 4, 1, eight],
  ])
  const signature = binary(268, await signatureOf(header))
  await rpm(rpmFileOf([signature], header, payload))
  await t.rejects(rpm(rpmFileOf([signature], header, other)), malformed('payload sha256 digest mismatch'))
})

// alpine

t.test('the member of an apk that nobody signed holds signatures alone', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const content = base64(rsa.publicKey.export({ format: 'pem', type: 'spki' }))
  const file = (signature: Buffer, more: readonly string[]) => [
    { name: '.SIGN.RSA.x', content: signature },
    ...more.map((name) => ({ name, content: 'more' })),
  ]
  const alpine = async (...more: readonly string[]) => {
    const made = await apk(rsa.privateKey, { signatureFiles: (signature) => file(signature, more) })
    return verify('alpine', { package: { content: base64(made) }, publicKey: { content } })
  }
  await alpine('.SIGN.RSA256.x')
  for (const name of ['.PKGINFO', 'usr/bin/x'])
    await t.rejects(alpine(name), malformed(`the signature member holds "${name}"`))
})
