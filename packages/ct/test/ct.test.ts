import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  concatBytes,
  createSigner,
  keyFingerprint,
  type PublicKey,
  parseBase64,
  parseHex,
  parsePublicKey,
  parsePublicKeyPem,
  sha256,
  sha256Hex,
  toBase64,
  toHex,
} from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import {
  type Certificate,
  embeddedScts,
  extensionOid,
  parseCertificate,
  parseCertificatesPem,
  removeExtension,
} from '@sigstack/x509'
import fc from 'fast-check'
import t from 'tap'
import {
  addChainResponse,
  CtError,
  encodeDigitallySigned,
  encodeExtraData,
  encodeSct,
  encodeSctList,
  merkleTreeLeaf,
  parseAddChainResponse,
  parseDigitallySigned,
  parseExtraData,
  parseMerkleTreeLeaf,
  parseSct,
  parseSctList,
  type Sct,
  type SignedEntry,
  sctSignedData,
  sthSignedData,
  verifySct,
} from '../src/index.ts'

const vectors = new URL('./vectors/', import.meta.url)
const bytesOf = (path: string): Buffer => readFileSync(new URL(path, vectors))
const textOf = (path: string): string => bytesOf(path).toString('latin1')
const certificateOf = (path: string): Certificate => parseCertificatesPem(textOf(path))[0]!
const google = (name: string): string => `certificate-transparency-go/${name}`

/** The precertificate entry behind a final certificate or a precertificate. */
function precertEntry(certificate: Certificate, issuer: Certificate, removed: string): SignedEntry {
  return {
    type: 'precert',
    issuerKeyHash: sha256(issuer.spki),
    tbs: removeExtension(certificate.tbs, removed),
  }
}

function onlyEmbeddedSct(certificate: Certificate): Sct {
  const scts = parseSctList(embeddedScts(certificate.der)!)
  t.equal(scts.length, 1)
  return scts[0]!
}

const logKey = parsePublicKeyPem(textOf(google('log.pub.pem')))
const ca = certificateOf(google('ca.pem'))

t.test('the SCT of a certificate verifies and gives the published leaf hash', async (t) => {
  t.equal(toHex(keyFingerprint(logKey)), 'df1c2ec11500945247a96168325ddc5c7959e8f7c6d388fc002e0bbd3f74d764')
  for (const [pem, file] of [
    ['cert.pem', 'cert.sct'],
    ['test-cert.pem', 'test-cert.proof'],
  ] as const) {
    const sct = parseSct(bytesOf(google(file)))
    const entry: SignedEntry = { type: 'x509', certificate: certificateOf(google(pem)).der }
    t.ok(await verifySct(sct, entry, logKey))
    t.same(encodeSct(sct), bytesOf(google(file)))
    const leaf = merkleTreeLeaf({ timestampMs: sct.timestampMs, entry, extensions: sct.extensions })
    t.equal(toBase64(leafHash(leaf)), 'BKZLZGMbAnDW0gQWjNJNCyS2IgweWn76YW3tFlu3AuY=')
  }
})

t.test('the SCT of a precertificate verifies, and is the one embedded in the certificate', async (t) => {
  const sct = parseSct(bytesOf(google('precert.sct')))
  const entry = precertEntry(certificateOf(google('precert.pem')), ca, extensionOid.poison)
  t.equal(
    entry.type === 'precert' && toHex(entry.issuerKeyHash),
    '02adddca08b8bf9861f035940c940156d8350fdff899a6239c6bd77255b8f8fc',
  )
  t.equal(entry.type === 'precert' && entry.tbs.length, 567)
  t.equal(
    entry.type === 'precert' && sha256Hex(entry.tbs),
    'f891a12ef5a416b880296328e399ac1fce0b3d794781d11b62b33375beb3a956',
  )
  t.ok(await verifySct(sct, entry, logKey))
  const leaf = merkleTreeLeaf({ timestampMs: sct.timestampMs, entry, extensions: sct.extensions })
  t.equal(toBase64(leafHash(leaf)), 'mbk+d5FDW3oNZJCbOi828rqC3hf+qhigTWVGcXEZq1U=')
  const final = certificateOf(google('embedded-sct-cert.pem'))
  t.same(precertEntry(final, ca, extensionOid.sctList), entry)
  t.same(encodeSct(onlyEmbeddedSct(final)), bytesOf(google('precert.sct')))
  t.same(encodeSctList([sct]), embeddedScts(final.der))
})

t.test('an SCT does not verify for another entry, key, time, log or a changed signature', async (t) => {
  const sct = parseSct(bytesOf(google('cert.sct')))
  const entry: SignedEntry = { type: 'x509', certificate: certificateOf(google('cert.pem')).der }
  const precert = precertEntry(certificateOf(google('precert.pem')), ca, extensionOid.poison)
  const otherKey = createSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).publicKey
  t.notOk(await verifySct(sct, precert, logKey))
  t.notOk(await verifySct(sct, { type: 'x509', certificate: ca.der }, logKey))
  t.notOk(await verifySct(sct, entry, otherKey))
  t.notOk(await verifySct({ ...sct, logId: keyFingerprint(otherKey) }, entry, otherKey))
  t.notOk(await verifySct({ ...sct, timestampMs: sct.timestampMs + 1 }, entry, logKey))
  t.notOk(await verifySct({ ...sct, extensions: Uint8Array.of(0) }, entry, logKey))
  t.notOk(await verifySct({ ...sct, signature: { ...sct.signature, algorithm: 'rsa' } }, entry, logKey))
  t.notOk(await verifySct({ ...sct, logId: new Uint8Array(32) }, entry, logKey))
  const invalid = certificateOf(google('embedded-invalid-sct-cert_fail.pem'))
  const invalidEntry = precertEntry(invalid, ca, extensionOid.sctList)
  t.notOk(await verifySct(onlyEmbeddedSct(invalid), invalidEntry, logKey))
  t.notOk(await verifySct(parseSct(bytesOf(google('invalid.sct'))), invalidEntry, logKey))
})

t.test('a certificate of another client library has an SCT that verifies', async (t) => {
  const certificate = certificateOf('sigstore-java/cert-ct-embedded.pem')
  const issuer = certificateOf('sigstore-java/ca-cert.pem')
  const key = parsePublicKeyPem(textOf('sigstore-java/ct-server-key-public.pem'))
  const entry = precertEntry(certificate, issuer, extensionOid.sctList)
  t.ok(await verifySct(onlyEmbeddedSct(certificate), entry, key))
})

/** One of the logs publishes its RSA key as PKCS#1. */
function logKeyOf({ rawBytes, keyDetails }: Raw & { keyDetails?: string }): PublicKey {
  const type = keyDetails?.startsWith('PKCS1_') === true ? 'pkcs1' : 'spki'
  const key = createPublicKey({ key: Buffer.from(parseBase64(rawBytes)), format: 'der', type })
  return parsePublicKey(key.export({ format: 'der', type: 'spki' }))
}

type Bundle = { verificationMaterial: { certificate?: Raw; x509CertificateChain?: { certificates: Raw[] } } }
type Raw = { rawBytes: string }
type Root = {
  ctlogs: { publicKey: Raw & { keyDetails: string }; logId: { keyId: string } }[]
  certificateAuthorities: { certChain: { certificates: Raw[] } }[]
}

function conformance(name: string): {
  leaf: Certificate
  issuers: readonly Certificate[]
  keys: readonly PublicKey[]
} {
  const { verificationMaterial } = JSON.parse(textOf(`conformance/${name}/bundle.sigstore.json`)) as Bundle
  const root = JSON.parse(textOf(`conformance/${name}/trusted_root.json`)) as Root
  const raw = verificationMaterial.certificate ?? verificationMaterial.x509CertificateChain!.certificates[0]!
  return {
    leaf: parseCertificate(parseBase64(raw.rawBytes)),
    issuers: root.certificateAuthorities.map(({ certChain }) =>
      parseCertificate(parseBase64(certChain.certificates[0]!.rawBytes)),
    ),
    keys: root.ctlogs.map(({ publicKey }) => logKeyOf(publicKey)),
  }
}

t.test(
  'an SCT with the extension of a tile-based log gives every published intermediate value',
  async (t) => {
    const { leaf, issuers, keys } = conformance('bundle-with-sct-with-extensions')
    const entry = precertEntry(leaf, issuers[0]!, extensionOid.sctList)
    const sct = onlyEmbeddedSct(leaf)
    t.equal(encodeSct(sct).length, 126)
    t.equal(toHex(sct.logId), '2ca5cd27a89484c38e74868d2d3bde1e7852afe7e2771e6f89c7bd667dfcf8ef')
    t.equal(sct.timestampMs, 1768517364925)
    t.equal(toHex(sct.extensions), '0000050000000070')
    t.equal(
      entry.type === 'precert' && toHex(entry.issuerKeyHash),
      '91c1257a50c1f16a4cfb7118e53eab1f0e2448eab6f6aa72cd6aed937fd2e192',
    )
    t.equal(entry.type === 'precert' && entry.tbs.length, 1862)
    t.equal(
      entry.type === 'precert' && sha256Hex(entry.tbs),
      '84d393ef4c59527d9227b976f6d2087e6c441623e0508104ca9b6fbabe0ce5de',
    )
    const stamped = { timestampMs: sct.timestampMs, entry, extensions: sct.extensions }
    t.equal(sctSignedData(stamped).length, 1919)
    t.equal(
      sha256Hex(sctSignedData(stamped)),
      'bc32beacd1bdd3783626246117ebb7f28daa9bb4fa2d5033dfc8bcdd0e9714c3',
    )
    t.equal(
      toHex(leafHash(merkleTreeLeaf(stamped))),
      'be3822f54f8e6ef3a55230095364729aa454b23fcd236037a386eeb68f83fedc',
    )
    t.same(parseMerkleTreeLeaf(merkleTreeLeaf(stamped)), stamped)
    t.ok(await verifySct(sct, entry, keys[0]!))
    t.notOk(
      await verifySct({ ...sct, extensions: new Uint8Array() }, entry, keys[0]!),
      'its extensions are signed',
    )
  },
)

t.test('an SCT of a log that is not in the trusted root has no key to verify it', async (t) => {
  const { leaf, issuers, keys } = conformance('invalid-ct-key_fail')
  const sct = onlyEmbeddedSct(leaf)
  for (const issuer of issuers)
    for (const key of keys)
      t.notOk(await verifySct(sct, precertEntry(leaf, issuer, extensionOid.sctList), key))
})

t.test('RSA logs verify, P-384 and Ed25519 logs never', async (t) => {
  const entry: SignedEntry = { type: 'x509', certificate: ca.der }
  const signedBy = (
    pair: ReturnType<typeof generateKeyPairSync>,
    algorithm: 'rsa' | 'ecdsa',
  ): { sct: Sct; key: PublicKey } => {
    const key = parsePublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }))
    const stamped = { timestampMs: 5, entry, extensions: new Uint8Array() }
    const hash = key.type === 'ed25519' ? null : 'sha256'
    const signature = { algorithm, signature: sign(hash, sctSignedData(stamped), pair.privateKey) }
    return { sct: { ...stamped, logId: keyFingerprint(key), signature }, key }
  }
  const rsa = signedBy(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rsa')
  t.ok(await verifySct(rsa.sct, entry, rsa.key))
  const p256 = signedBy(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ecdsa')
  t.ok(await verifySct(p256.sct, entry, p256.key))
  const p384 = signedBy(generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'ecdsa')
  t.notOk(await verifySct(p384.sct, entry, p384.key))
  const ed25519 = signedBy(generateKeyPairSync('ed25519'), 'ecdsa')
  t.notOk(await verifySct(ed25519.sct, entry, ed25519.key))
  const small = signedBy(generateKeyPairSync('rsa', { modulusLength: 1024 }), 'rsa')
  t.notOk(await verifySct(small.sct, entry, small.key))
})

t.test('entries of a public log are taken apart and put together byte for byte', async (t) => {
  type Entries = { entries: { leaf_input: string; extra_data: string }[] }
  const { entries } = JSON.parse(textOf(google('get-entries.json'))) as Entries
  t.same(entries.length, 2)
  for (const [i, { leaf_input, extra_data }] of entries.entries()) {
    const leaf = parseMerkleTreeLeaf(parseBase64(leaf_input))
    t.equal(leaf.entry.type, ['precert', 'x509'][i])
    t.equal(toBase64(merkleTreeLeaf(leaf)), leaf_input)
    const extra = parseExtraData(leaf.entry.type, parseBase64(extra_data))
    t.equal(toBase64(encodeExtraData(extra)), extra_data)
    t.ok(extra.chain.length > 0)
    const issuer = parseCertificate(extra.chain[0]!)
    if (extra.type !== 'precert' || leaf.entry.type !== 'precert') continue
    const rebuilt = precertEntry(parseCertificate(extra.precertificate), issuer, extensionOid.poison)
    t.equal(toBase64(merkleTreeLeaf({ ...leaf, entry: rebuilt })), leaf_input)
  }
  const proof = JSON.parse(textOf(google('get-entry-and-proof.json'))) as {
    leaf_input: string
    extra_data: string
  }
  t.equal(toBase64(merkleTreeLeaf(parseMerkleTreeLeaf(parseBase64(proof.leaf_input)))), proof.leaf_input)
})

t.test('tree heads are signed over 50 bytes in the order of RFC 6962', async (t) => {
  const rootHash = new Uint8Array(32).fill(0xab)
  t.equal(
    toHex(sthSignedData({ timestampMs: 1396609800587, treeSize: 3721782n, rootHash })),
    `0001${'000001452c6e598b'}${'000000000038ca36'}${'ab'.repeat(32)}`,
  )
  t.throws(() => sthSignedData({ timestampMs: 1, treeSize: -1n, rootHash }), {
    name: 'CtError',
    code: 'out_of_range',
  })
  t.throws(() => sthSignedData({ timestampMs: 0.5, treeSize: 1n, rootHash }), { code: 'out_of_range' })
  t.throws(() => sthSignedData({ timestampMs: 1, treeSize: 1n, rootHash: new Uint8Array(31) }), {
    code: 'out_of_range',
  })
  const { tree_head_signature } = JSON.parse(textOf(google('get-sth.json'))) as {
    tree_head_signature: string
  }
  const signature = parseDigitallySigned(parseBase64(tree_head_signature))
  t.equal(signature.algorithm, 'ecdsa')
  t.equal(signature.signature.length, 0x46)
  t.equal(toBase64(encodeDigitallySigned(signature)), tree_head_signature)
})

t.test('the answer of add-chain is read and written as other logs do', async (t) => {
  const text = textOf(google('add-response.json'))
  const sct = parseAddChainResponse(text)
  t.equal(sct.timestampMs, 1337)
  t.equal(JSON.stringify(addChainResponse(sct)), JSON.stringify(JSON.parse(text)))
  const answer = JSON.parse(text) as Record<string, unknown>
  const { extensions: _, ...withoutExtensions } = answer
  t.same(parseAddChainResponse(JSON.stringify(withoutExtensions)), sct)
  t.same(parseAddChainResponse(JSON.stringify({ ...answer, more: [1] })), sct)
  const refused: readonly [Record<string, unknown>, string][] = [
    [{ sct_version: 1 }, 'unsupported'],
    [{ id: 'AAAA' }, 'bad_json'],
    [{ id: 5 }, 'bad_json'],
    [{ timestamp: '1337' }, 'bad_json'],
    [{ timestamp: 1.5 }, 'bad_json'],
    [{ timestamp: -1 }, 'bad_json'],
    [{ extensions: null }, 'bad_json'],
    [{ signature: '?' }, 'bad_json'],
    [{ signature: `${String(answer['signature']).slice(0, -4)}AAAA` }, 'bad_tls'],
    [{ signature: 'BgMAAA==' }, 'unsupported'],
    [{ signature: 'BAIAAA==' }, 'unsupported'],
  ]
  for (const [change, code] of refused)
    t.throws(
      () => parseAddChainResponse(JSON.stringify({ ...answer, ...change })),
      { name: 'CtError', code },
      JSON.stringify(change),
    )
  for (const other of ['', '[]', 'null', '{', ' '.repeat(9000)])
    t.throws(() => parseAddChainResponse(other), { name: 'CtError' })
})

const sctOf = fc.record({
  logId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  timestampMs: fc.nat({ max: 8.64e15 }),
  extensions: fc.uint8Array({ maxLength: 40 }),
  signature: fc.record({
    algorithm: fc.constantFrom('ecdsa' as const, 'rsa' as const),
    signature: fc.uint8Array({ maxLength: 300 }),
  }),
})
const der = fc.uint8Array({ minLength: 1, maxLength: 400 })
const entryOf: fc.Arbitrary<SignedEntry> = fc.oneof(
  fc.record({ type: fc.constant('x509' as const), certificate: der }),
  fc.record({
    type: fc.constant('precert' as const),
    issuerKeyHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    tbs: der,
  }),
)

t.test('what is encoded is parsed back, whatever it is', async (t) => {
  const stamped = fc.record({
    timestampMs: fc.nat({ max: 8.64e15 }),
    entry: entryOf,
    extensions: fc.uint8Array({ maxLength: 40 }),
  })
  const chain = fc.array(der, { maxLength: 32 })
  const properties = [
    fc.property(sctOf, (sct) => void t.same(parseSct(encodeSct(sct)), sct)),
    fc.property(
      fc.array(sctOf, { minLength: 1, maxLength: 32 }),
      (scts) => void t.same(parseSctList(encodeSctList(scts)), scts),
    ),
    fc.property(
      sctOf,
      (sct) => void t.same(parseAddChainResponse(JSON.stringify(addChainResponse(sct))), sct),
    ),
    fc.property(stamped, (leaf) => void t.same(parseMerkleTreeLeaf(merkleTreeLeaf(leaf)), leaf)),
    fc.property(chain, (certificates) => {
      const extra = { type: 'x509' as const, chain: certificates }
      t.same(parseExtraData('x509', encodeExtraData(extra)), extra)
    }),
    fc.property(chain, der, (certificates, precertificate) => {
      const extra = { type: 'precert' as const, precertificate, chain: certificates }
      t.same(parseExtraData('precert', encodeExtraData(extra)), extra)
    }),
  ]
  for (const property of properties) fc.assert(property as fc.IProperty<unknown>, { seed: 7, numRuns: 60 })
})

t.test('bytes that parse are encoded as they were, all others are a CtError', async (t) => {
  const samples = ['cert.sct', 'precert.sct', 'test-cert.proof'].map((name) => bytesOf(google(name)))
  const readers: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => encodeSct(parseSct(bytes)),
    (bytes) => encodeSctList(parseSctList(bytes)),
    (bytes) => merkleTreeLeaf(parseMerkleTreeLeaf(bytes)),
    (bytes) => encodeExtraData(parseExtraData('x509', bytes)),
    (bytes) => encodeExtraData(parseExtraData('precert', bytes)),
    (bytes) => encodeDigitallySigned(parseDigitallySigned(bytes)),
  ]
  const isFaithful = (bytes: Uint8Array): boolean =>
    readers.every((read) => {
      try {
        return Buffer.compare(read(bytes), bytes) === 0
      } catch (error) {
        if (error instanceof CtError) return true
        throw error
      }
    })
  const damaged = fc
    .tuple(fc.constantFrom(...samples), fc.nat(200), fc.nat(255), fc.nat(120))
    .map(([sample, at, value, cut]) => {
      const bytes = Buffer.from(sample)
      bytes[at % bytes.length] = value
      return cut < 60 ? bytes : bytes.subarray(0, cut)
    })
  t.doesNotThrow(() =>
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isFaithful), { seed: 8, numRuns: 500 }),
  )
  t.doesNotThrow(() => fc.assert(fc.property(damaged, isFaithful), { seed: 9, numRuns: 1000 }))
  t.doesNotThrow(() =>
    fc.assert(fc.property(fc.string({ maxLength: 200 }), jsonIsSafe), { seed: 10, numRuns: 300 }),
  )
  t.doesNotThrow(() => fc.assert(fc.property(fc.json(), jsonIsSafe), { seed: 11, numRuns: 300 }))

  function jsonIsSafe(text: string): boolean {
    try {
      parseAddChainResponse(text)
      return true
    } catch (error) {
      if (error instanceof CtError) return true
      throw error
    }
  }
})

t.test('limits and lengths are kept when writing', async (t) => {
  const sct = parseSct(bytesOf(google('cert.sct')))
  const entry: SignedEntry = { type: 'precert', issuerKeyHash: new Uint8Array(31), tbs: Uint8Array.of(1) }
  const stamped = { timestampMs: 1, entry, extensions: new Uint8Array() }
  t.throws(() => encodeSctList([]), { name: 'CtError', code: 'out_of_range' })
  t.throws(() => parseSctList(parseHex('0000')), { code: 'bad_tls' })
  t.throws(() => encodeSct({ ...sct, logId: new Uint8Array(31) }), { code: 'out_of_range' })
  t.throws(() => encodeSct({ ...sct, extensions: new Uint8Array(65536) }), { code: 'out_of_range' })
  t.throws(() => encodeSct({ ...sct, timestampMs: 8.64e15 + 1 }), { code: 'out_of_range' })
  t.throws(() => sctSignedData(stamped), { code: 'out_of_range' })
  t.throws(() => merkleTreeLeaf({ ...stamped, entry: { type: 'x509', certificate: new Uint8Array() } }), {
    code: 'out_of_range',
  })
  t.throws(() => parseSct(concatBytes(Uint8Array.of(1), encodeSct(sct).subarray(1))), { code: 'unsupported' })
})
