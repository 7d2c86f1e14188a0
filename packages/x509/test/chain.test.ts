import { generateKeyPairSync, X509Certificate as NodeCertificate } from 'node:crypto'
import { createSigner, der, derOid, derTag, type Signer, toHex } from '@sigstack/crypto'
import t from 'tap'
import {
  assembleCertificate,
  assertCaChain,
  type Certificate,
  createIntermediate,
  createRoot,
  type Extension,
  encodeExtension,
  isSelfSigned,
  keyIdentifier,
  leafTemplate,
  parseCertificate,
  plainTbs,
  precertificateTbs,
  verifyCertificateSignature,
  verifyChain,
} from '../src/index.ts'
import { encodeSignatureAlgorithm } from '../src/signature-algorithm.ts'
import { encodeTime } from '../src/time.ts'
import {
  certificateIn,
  certificatesIn,
  issuingSigner,
  leafSigner,
  makeIntermediate,
  makeRoot,
  now,
  p256Key,
  rootSigner,
  serial,
} from './support.ts'

const lax = { checkValidity: false, checkConstraints: false } as const
const tesseract = (name: string): Certificate => certificateIn(`ct/tesseract-${name}.pem`)
const root = await makeRoot()
const issuing = await makeIntermediate(root)
const otherRoot = await makeRoot(createSigner(p256Key(21)))

async function leafOf(issuer: Certificate, signer: Signer, poisoned = false): Promise<Certificate> {
  const template = leafTemplate({
    serialNumber: serial(9),
    issuer,
    notBefore: now,
    publicKey: leafSigner.publicKey.spki,
    subjectAlternativeName: { type: 'username', value: 'alice!example.com' },
    extensions: [],
  })
  const tbs = poisoned ? precertificateTbs(template) : plainTbs(template)
  return parseCertificate(assembleCertificate(tbs, signer.algorithm, await signer.sign(tbs)))
}

t.test('a leaf leads over its intermediate to the root, whether the root was sent or not', async (t) => {
  const leaf = await leafOf(issuing, issuingSigner)
  const requirements = { roots: [otherRoot, root], at: now, extendedKeyUsage: '1.3.6.1.5.5.7.3.3' }
  t.same(await verifyChain([leaf, issuing, root], requirements), [leaf, issuing, root])
  t.same(await verifyChain([leaf, issuing], requirements), [leaf, issuing, root])
  t.same(await verifyChain([root], requirements), [root])
  await t.rejects(verifyChain([], requirements), { name: 'X509Error', code: 'empty_chain' })
  await t.rejects(verifyChain([leaf], requirements), { code: 'untrusted_chain' })
  await t.rejects(verifyChain([leaf, root, issuing], requirements), { code: 'untrusted_chain' })
  await t.rejects(verifyChain([leaf, issuing, root, root], requirements), /sent twice/)
  await t.rejects(verifyChain(Array(11).fill(root), requirements), { code: 'chain_too_long' })
  await t.rejects(verifyChain([leaf, issuing, root], { ...requirements, roots: [] }), {
    code: 'untrusted_chain',
  })
  await t.rejects(verifyChain([leaf, issuing], { ...requirements, roots: [otherRoot] }), {
    code: 'bad_signature',
  })
  await t.rejects(verifyChain([leaf, issuing, otherRoot], { ...requirements, roots: [otherRoot] }), {
    code: 'bad_signature',
  })
  await t.rejects(verifyChain([leaf, issuing], { ...requirements, at: new Date('2026-03-01T12:10:01Z') }), {
    code: 'not_valid_now',
  })
  await t.rejects(verifyChain([leaf, issuing], { ...requirements, at: new Date('2026-03-01T11:59:59Z') }), {
    code: 'not_valid_now',
  })
  await t.rejects(verifyChain([leaf, issuing], { ...requirements, extendedKeyUsage: '1.3.6.1.5.5.7.3.8' }), {
    code: 'wrong_extended_key_usage',
  })
  await t.rejects(verifyChain([leaf, issuing], { roots: [root] }), /needs the time/)
})

t.test('an issuer that is no CA, and a poison, are refused by all but a lax reader', async (t) => {
  const leaf = await leafOf(issuing, issuingSigner)
  const poisoned = await leafOf(issuing, issuingSigner, true)
  await t.rejects(verifyChain([poisoned, issuing], { roots: [root], at: now }), {
    code: 'unknown_critical_extension',
  })
  t.equal((await verifyChain([poisoned, issuing], { roots: [root], ...lax })).length, 3)
  const fromLeaf = await handMade({ signer: leafSigner, issuer: leaf.subject, extensions: [] })
  await t.rejects(verifyChain([fromLeaf, leaf, issuing], { roots: [root], ...lax }), { code: 'not_a_ca' })
})

t.test('a path length is kept, by all but a lax reader', async (t) => {
  const sub = await handMade({
    signer: issuingSigner,
    spki: leafSigner.publicKey.spki,
    subject: 'CA below the intermediate',
    issuer: issuing.subject,
    extensions: [caUsage, ca],
  })
  const leaf = await handMade({ signer: leafSigner, subject: 'leaf', issuer: sub.subject, extensions: [] })
  await t.rejects(verifyChain([leaf, sub, issuing], { roots: [root], at: now }), { code: 'path_too_long' })
  t.equal((await verifyChain([leaf, sub, issuing], { roots: [root], ...lax })).length, 4)
})

t.test('tesseract chains are matched by signature and not by name alone', async (t) => {
  const roots = [tesseract('test_root_ca_cert')]
  const intermediate = tesseract('test_intermediate_ca_cert')
  const preIntermediate = tesseract('test_pre_intermediate_ca_cert')
  t.same(preIntermediate.subject, intermediate.subject)
  for (const kind of ['cert', 'pre_cert']) {
    const direct = tesseract(`test_leaf_${kind}_signed_by_root`)
    const below = tesseract(`test_leaf_${kind}_signed_by_intermediate`)
    const belowPre = tesseract(`test_leaf_${kind}_signed_by_pre_intermediate`)
    t.equal((await verifyChain([direct], { roots, ...lax })).length, 2)
    t.equal((await verifyChain([below, intermediate], { roots, ...lax })).length, 3)
    t.equal((await verifyChain([belowPre, preIntermediate], { roots, ...lax })).length, 3)
    await t.rejects(verifyChain([below, preIntermediate], { roots, ...lax }), { code: 'bad_signature' })
    await t.rejects(verifyChain([belowPre, intermediate], { roots, ...lax }), { code: 'bad_signature' })
    // As anchors, both carry the name; the right one is found by its key.
    const anchors = { roots: [intermediate, preIntermediate], ...lax }
    t.same((await verifyChain([belowPre], anchors)).at(-1), preIntermediate)
    t.same((await verifyChain([below], anchors)).at(-1), intermediate)
    await t.rejects(
      verifyChain([below, intermediate], { roots, ...lax, extendedKeyUsage: '1.3.6.1.5.5.7.3.3' }),
      { code: 'wrong_extended_key_usage' },
    )
  }
})

t.test('an ordered chain is accepted, a misordered one is not', async (t) => {
  const roots = certificatesIn('ct/tesseract-fake-ca.cert')
  const ordered = certificatesIn('ct/tesseract-subleaf.chain')
  const misordered = certificatesIn('ct/tesseract-subleaf.misordered.chain')
  t.equal((await verifyChain(ordered, { roots, ...lax })).at(-1)?.isCa, true)
  await t.rejects(verifyChain(misordered, { roots, ...lax }), { code: 'untrusted_chain' })
})

t.test('signatures of published certificates verify as OpenSSL verifies them', async (t) => {
  const all = certificatesIn('certificates.pem')
  let compared = 0
  for (const certificate of all) {
    for (const issuer of all) {
      if (!issuer.isCa || Buffer.compare(certificate.issuer, issuer.subject) !== 0) continue
      const theirs = new NodeCertificate(certificate.der).verify(issuer.publicKey.keyObject)
      t.equal(await verifyCertificateSignature(certificate, issuer), theirs)
      compared++
    }
  }
  t.ok(compared > 50, `${compared} pairs`)
})

t.test(
  'certificates of all supported keys verify, and none with another key or a changed byte',
  async (t) => {
    const keys = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('ec', { namedCurve: 'P-521' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ed25519'),
    ]
    for (const { privateKey } of keys) {
      const signer = createSigner(privateKey)
      const made = await handMade({ signer, extensions: [] })
      t.ok(await isSelfSigned(made), signer.algorithm)
      t.ok(new NodeCertificate(made.der).verify(signer.publicKey.keyObject), signer.algorithm)
      t.notOk(await verifyCertificateSignature(made, rootSigner), signer.algorithm)
      const damaged = Buffer.from(made.der)
      damaged[made.der.length - 1] = (damaged[made.der.length - 1] ?? 0) ^ 1
      t.notOk(await isSelfSigned(parseCertificate(damaged)), signer.algorithm)
    }
  },
)

t.test('root and intermediate have the profile of a Sigstore CA', async (t) => {
  const text = (certificate: Certificate): string => new NodeCertificate(certificate.der).subject
  t.equal(text(root), 'O=example.org\nCN=sigstack root')
  t.equal(text(issuing), 'O=example.org\nCN=sigstack')
  t.same(issuing.issuer, root.subject)
  for (const certificate of [root, issuing]) {
    t.same(certificate.keyUsage, ['keyCertSign', 'cRLSign'])
    t.ok(certificate.isCa)
    t.same(certificate.subjectKeyIdentifier, keyIdentifier(certificate.spki))
    t.same(certificate.authorityKeyIdentifier, root.subjectKeyIdentifier)
    const critical = certificate.extensions.filter((extension) => extension.critical)
    t.same(
      critical.map(({ oid }) => oid),
      ['2.5.29.15', '2.5.29.19'],
    )
  }
  t.same(root.extendedKeyUsages, [])
  t.equal(root.pathLength, undefined)
  t.same(issuing.extendedKeyUsages, ['1.3.6.1.5.5.7.3.3'])
  t.equal(issuing.pathLength, 0)
  t.ok(await isSelfSigned(root))
  t.notOk(await isSelfSigned(issuing))
  t.equal(toHex(root.serialNumber), '01'.repeat(20))
})

t.test('a ceremony refuses wrong keys, names and times', async (t) => {
  const base = {
    root,
    rootSigner,
    publicKey: issuingSigner.publicKey,
    commonName: 'sigstack',
    notBefore: now,
    notAfter: new Date('2046-01-01T00:00:00Z'),
    serialNumber: serial(3),
  }
  t.same((await createIntermediate(base)).notAfter, root.notAfter, 'an intermediate ends with its root')
  await t.rejects(createIntermediate({ ...base, rootSigner: issuingSigner }), { code: 'key_mismatch' })
  await t.rejects(createIntermediate({ ...base, notBefore: new Date('2025-01-01T00:00:00Z') }), {
    code: 'not_valid_now',
  })
  await t.rejects(createIntermediate({ ...base, notAfter: now }), { code: 'bad_time' })
  await t.rejects(createIntermediate({ ...base, commonName: '' }), { code: 'bad_name' })
  await t.rejects(createIntermediate({ ...base, commonName: 'x'.repeat(65) }), { code: 'bad_name' })
  await t.rejects(createIntermediate({ ...base, serialNumber: new Uint8Array(20) }), {
    code: 'bad_serial_number',
  })
  const liar: Signer = { ...rootSigner, sign: (message) => issuingSigner.sign(message) }
  await t.rejects(makeRoot(liar), { code: 'bad_signature' })
  const foreign = { ...base, signer: rootSigner, organization: 'Beispiel GmbH & Söhne' }
  t.equal(
    new NodeCertificate((await createRoot(foreign)).der).subject,
    'O=Beispiel GmbH & Söhne\nCN=sigstack',
  )
})

t.test('a CA starts with a chain that clients will accept, and with no other', async (t) => {
  const key = issuingSigner.publicKey
  await t.resolves(assertCaChain([issuing, root], key, now))
  const refused = async (
    chain: readonly Certificate[],
    code: string,
    at = now,
    publicKey = key,
  ): Promise<void> => {
    await t.rejects(assertCaChain(chain, publicKey, at), { name: 'X509Error', code }, code)
  }
  await refused([], 'empty_chain')
  await refused([root, issuing], 'untrusted_chain')
  await refused([issuing, otherRoot], 'bad_signature')
  await refused([issuing], 'root_not_self_signed')
  await refused([await leafOf(issuing, issuingSigner), issuing, root], 'not_a_ca')
  await refused([issuing, root], 'key_mismatch', now, leafSigner.publicKey)
  await refused([issuing, root], 'not_valid_now', new Date('2029-01-01T00:00:01Z'))
  await refused([issuing, root], 'issuer_expires', new Date('2028-12-31T23:50:01Z'))
  await t.resolves(assertCaChain([issuing, root], key, new Date('2028-12-31T23:50:00Z')))
  const full = { usage: caUsage, constraints: ca, ski: ski(key.spki), aki: aki(root), eku: codeSigning }
  const variant = (
    changes: Partial<Record<keyof typeof full, Extension | undefined>>,
  ): Promise<Certificate> =>
    handMade({
      signer: rootSigner,
      spki: key.spki,
      issuer: root.subject,
      extensions: Object.values({ ...full, ...changes }).filter((extension) => extension !== undefined),
    })
  await t.resolves(assertCaChain([await variant({}), root], key, now))
  await refused([await variant({ constraints: undefined }), root], 'not_a_ca')
  await refused([await variant({ eku: undefined }), root], 'missing_code_signing')
  await refused([await variant({ eku: serverAuth }), root], 'wrong_extended_key_usage')
  await refused([await variant({ usage: undefined }), root], 'missing_cert_sign')
  await refused([await variant({ ski: undefined }), root], 'missing_subject_key_identifier')
  await refused([await variant({ aki: undefined }), root], 'wrong_authority_key_identifier')
  await refused([await variant({ aki: aki(issuing) }), root], 'wrong_authority_key_identifier')
  await refused([await variant({ usage: nameConstraints }), root], 'unknown_critical_extension')
  const rsa = createSigner(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
  const rsaRoot = await handMade({ signer: rsa, extensions: [caUsage, ca, ski(rsa.publicKey.spki)] })
  const mixed = await handMade({
    signer: rsa,
    spki: key.spki,
    subject: 'below RSA',
    issuer: rsaRoot.subject,
    extensions: [caUsage, ca, ski(key.spki), aki(rsaRoot), codeSigning],
  })
  await refused([mixed, rsaRoot], 'mixed_algorithms')
  const selfSigned = await handMade({ signer: issuingSigner, extensions: [caUsage, ca, ski(key.spki)] })
  await t.resolves(assertCaChain([selfSigned], key, now), 'one self-signed certificate is a chain')
})

const caUsage: Extension = { oid: '2.5.29.15', critical: true, value: Uint8Array.of(3, 2, 1, 6) }
const ca: Extension = { oid: '2.5.29.19', critical: true, value: Uint8Array.of(0x30, 3, 1, 1, 0xff) }
const eku = (purpose: string): Extension => ({
  oid: '2.5.29.37',
  critical: false,
  value: der(derTag.sequence, derOid(`1.3.6.1.5.5.7.3.${purpose}`)),
})
const codeSigning = eku('3')
const serverAuth = eku('1')
const nameConstraints: Extension = { oid: '2.5.29.30', critical: true, value: Uint8Array.of(0x30, 0) }
function ski(spki: Uint8Array): Extension {
  return { oid: '2.5.29.14', critical: false, value: der(derTag.octetString, keyIdentifier(spki)) }
}
function aki({ spki }: Certificate): Extension {
  return { oid: '2.5.29.35', critical: false, value: der(derTag.sequence, der(0x80, keyIdentifier(spki))) }
}

/** A certificate of any shape, valid in all of 2026 to 2028. */
async function handMade(draft: {
  readonly signer: Signer
  readonly spki?: Uint8Array
  readonly subject?: string
  readonly issuer?: Uint8Array
  readonly extensions: readonly Extension[]
}): Promise<Certificate> {
  const attribute = der(
    derTag.sequence,
    derOid('2.5.4.3'),
    der(derTag.utf8String, Buffer.from(draft.subject ?? 'hand made')),
  )
  const subject = der(derTag.sequence, der(derTag.set, attribute))
  const extensions = der(0xa3, der(derTag.sequence, ...draft.extensions.map(encodeExtension)))
  const tbs = der(
    derTag.sequence,
    Uint8Array.of(0xa0, 3, 2, 1, 2, 2, 1, 7),
    encodeSignatureAlgorithm(draft.signer.algorithm),
    draft.issuer ?? subject,
    der(derTag.sequence, encodeTime(new Date('2026-01-01')), encodeTime(new Date('2029-01-01'))),
    subject,
    draft.spki ?? draft.signer.publicKey.spki,
    draft.extensions.length === 0 ? new Uint8Array() : extensions,
  )
  return parseCertificate(assembleCertificate(tbs, draft.signer.algorithm, await draft.signer.sign(tbs)))
}
