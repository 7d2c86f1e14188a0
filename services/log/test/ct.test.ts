import { createSigner, generateSigningKey, sha256, verifySignature } from '@sigstack/crypto'
import {
  parseAddChainResponse,
  parseDigitallySigned,
  parseExtraData,
  parseMerkleTreeLeaf,
  type SignedEntry,
  sthSignedData,
  verifySct,
} from '@sigstack/ct'
import { asHash, emptyRootHash, leafHash, verifyConsistency, verifyInclusion } from '@sigstack/merkle'
import { undocumentedRoutes } from '@sigstack/server/testing'
import {
  assembleCertificate,
  type Certificate,
  certificateSignatureAlgorithm,
  createIntermediate,
  createRoot,
  extensionOid,
  leafTemplate,
  parseCertificate,
  parseCertificatesPem,
  plainTbs,
  precertificateTbs,
} from '@sigstack/x509'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { rfcRoutes } from '../src/faces/ct/routes.ts'
import { acceptedRoots, type RootSource } from '../src/roots/accepted-roots.ts'
import { json, openCt, readVector } from './support.ts'

const codeSigning = '1.3.6.1.5.5.7.3.3'
const tesseract = (name: string): Certificate[] => [...parseCertificatesPem(readVector(`tesseract/${name}`))]
const [tesseractRoot] = tesseract('test_root_ca_cert.pem')
const fixed = (...certificates: (Certificate | undefined)[]): RootSource => {
  const roots = acceptedRoots(certificates.map((c) => c!.der))
  return { current: () => roots, refresh: async () => {} }
}
const submit = (app: FastifyInstance, endpoint: string, chain: readonly Pick<Certificate, 'der'>[]) =>
  app.inject({
    method: 'POST',
    url: `/ct/v1/${endpoint}`,
    headers: json,
    payload: JSON.stringify({ chain: chain.map(({ der }) => Buffer.from(der).toString('base64')) }),
  })
const get = (app: FastifyInstance, url: string) => app.inject({ method: 'GET', url })
const getJson = async (app: FastifyInstance, url: string) => JSON.parse((await get(app, url)).body)
const b64 = (text: string) => Buffer.from(text, 'base64')
const hash = (text: string) => asHash(b64(text))

/** Byte strings as hex, so that a view compares equal to a copy. */
const hexed = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (_, member) =>
      member?.type === 'Buffer'
        ? Buffer.from(member.data).toString('hex')
        : ArrayBuffer.isView(member)
          ? Buffer.from(member as Uint8Array).toString('hex')
          : member,
    ),
  )

/** A CA like ours: a root, an intermediate, and leaves made from one template. */
async function makeCa() {
  const notBefore = new Date('2026-01-01T00:00:00Z')
  const notAfter = new Date('2036-01-01T00:00:00Z')
  const rootSigner = createSigner(generateSigningKey())
  const signer = createSigner(generateSigningKey())
  const names = { organization: 'example.org', serialNumber: Uint8Array.of(1), notBefore, notAfter }
  const root = await createRoot({ signer: rootSigner, commonName: 'root', ...names })
  const intermediate = await createIntermediate({
    root,
    rootSigner,
    publicKey: signer.publicKey,
    commonName: 'intermediate',
    ...names,
  })
  let serial = 1
  const template = (extensions: Parameters<typeof leafTemplate>[0]['extensions'] = []) =>
    leafTemplate({
      serialNumber: Uint8Array.of(1, serial++ >> 8, serial & 255),
      issuer: intermediate,
      notBefore: new Date('2026-05-01T00:00:00Z'),
      publicKey: createSigner(generateSigningKey()).publicKey.spki,
      subjectAlternativeName: { type: 'email', value: 'a@example.org' },
      extensions,
    })
  /** Not parsed: for certificates that no parser takes. */
  const sign = async (tbs: Uint8Array): Promise<Pick<Certificate, 'der'>> => ({
    der: assembleCertificate(tbs, certificateSignatureAlgorithm(signer.publicKey), await signer.sign(tbs)),
  })
  const issue = async (tbs: Uint8Array) => parseCertificate((await sign(tbs)).der)
  return { sign, root, intermediate, template, issue, rootSigner, signer }
}

t.test(
  'a precertificate gets an SCT that holds for its final certificate, again and again the same',
  async (t) => {
    const ca = await makeCa()
    const { app, log, signer } = await openCt(t, { roots: fixed(ca.root), extendedKeyUsages: [codeSigning] })
    const template = ca.template()
    const precertificate = await ca.issue(precertificateTbs(template))
    const entry: SignedEntry = {
      type: 'precert',
      issuerKeyHash: sha256(ca.intermediate.spki),
      tbs: plainTbs(template),
    }
    const timestamps = new Set<number>()
    // Root given, root left out, and given again: one entry.
    for (const chain of [[ca.intermediate, ca.root], [ca.intermediate], [ca.intermediate, ca.root]]) {
      const answer = await submit(app, 'add-pre-chain', [precertificate, ...chain])
      t.equal(answer.statusCode, 200, answer.body)
      t.strictSame(Object.keys(JSON.parse(answer.body)), [
        'sct_version',
        'id',
        'timestamp',
        'extensions',
        'signature',
      ])
      t.match(answer.headers['content-type'], /^application\/json/)
      const sct = parseAddChainResponse(answer.body)
      t.equal(sct.extensions.length, 0)
      timestamps.add(sct.timestampMs)
      t.ok(await verifySct(sct, entry, signer.publicKey))
    }
    t.equal(timestamps.size, 1)
    t.equal((await log.treeHead()).size, 1n)

    const { entries } = await getJson(app, '/ct/v1/get-entries?start=0&end=0')
    const leaf = parseMerkleTreeLeaf(b64(entries[0].leaf_input))
    t.strictSame(hexed(leaf.entry), hexed(entry))
    t.ok(timestamps.has(leaf.timestampMs))
    const extra = parseExtraData('precert', b64(entries[0].extra_data))
    const chain = [ca.intermediate.der, ca.root.der]
    t.strictSame(hexed(extra), hexed({ type: 'precert', precertificate: precertificate.der, chain }))
  },
)

t.test('a final certificate is logged whole by add-chain', async (t) => {
  const ca = await makeCa()
  const { app, signer } = await openCt(t, { roots: fixed(ca.root), extendedKeyUsages: [codeSigning] })
  const certificate = await ca.issue(plainTbs(ca.template()))
  const answer = await submit(app, 'add-chain', [certificate, ca.intermediate])
  t.equal(answer.statusCode, 200, answer.body)
  t.ok(
    await verifySct(
      parseAddChainResponse(answer.body),
      { type: 'x509', certificate: certificate.der },
      signer.publicKey,
    ),
  )
})

t.test('the certificates of other logs are taken and refused as those logs do', async (t) => {
  const { app, log } = await openCt(t, { roots: fixed(tesseractRoot) })
  const [intermediate] = tesseract('test_intermediate_ca_cert.pem') as [Certificate]
  const [preIntermediate] = tesseract('test_pre_intermediate_ca_cert.pem') as [Certificate]
  const root = tesseractRoot as Certificate
  const cases: [string, Certificate[]][] = [
    ['signed_by_root', [root]],
    ['signed_by_intermediate', [intermediate, root]],
    ['signed_by_pre_intermediate', [preIntermediate, root]],
  ]
  for (const [name, issuers] of cases) {
    const [leaf] = tesseract(`test_leaf_cert_${name}.pem`) as [Certificate]
    const [pre] = tesseract(`test_leaf_pre_cert_${name}.pem`) as [Certificate]
    t.equal((await submit(app, 'add-chain', [leaf, ...issuers])).statusCode, 200, name)
    t.equal((await submit(app, 'add-pre-chain', [pre, ...issuers])).statusCode, 200, name)
    t.equal((await submit(app, 'add-chain', [pre, ...issuers])).statusCode, 400, `${name}: poisoned`)
    t.equal((await submit(app, 'add-pre-chain', [leaf, ...issuers])).statusCode, 400, `${name}: not poisoned`)
    t.equal(
      (await submit(app, 'add-chain', [leaf, ...issuers.slice(0, -1)])).statusCode,
      200,
      `${name}: root left out`,
    )
  }
  t.equal((await log.treeHead()).size, 6n)
  // Two intermediates of one name: only the key that signed counts.
  const [leaf] = tesseract('test_leaf_cert_signed_by_intermediate.pem') as [Certificate]
  t.equal((await submit(app, 'add-chain', [leaf, preIntermediate, root])).statusCode, 400)
  t.equal((await submit(app, 'add-chain', [leaf])).statusCode, 400)

  const { app: other } = await openCt(t, { roots: fixed(...tesseract('fake-ca.cert')) })
  t.equal((await submit(other, 'add-chain', tesseract('subleaf.chain'))).statusCode, 200)
  t.equal((await submit(other, 'add-chain', tesseract('subleaf.misordered.chain'))).statusCode, 400)
  t.equal((await submit(other, 'add-chain', [leaf, intermediate, root])).statusCode, 400, 'an unknown root')

  const { app: strict } = await openCt(t, { roots: fixed(root), extendedKeyUsages: [codeSigning] })
  t.match((await submit(strict, 'add-chain', [leaf, intermediate, root])).body, /extended key usages/)
})

t.test('what is no honest submission is refused in plain text and not logged', async (t) => {
  const ca = await makeCa()
  const { app, log } = await openCt(t, {
    roots: fixed(ca.root, tesseractRoot),
    extendedKeyUsages: [codeSigning],
  })
  const precertificate = await ca.issue(precertificateTbs(ca.template()))
  const certificate = await ca.issue(plainTbs(ca.template()))
  const poison = (critical: boolean, value = Uint8Array.of(5, 0)) => ({
    oid: extensionOid.poison,
    critical,
    value,
  })
  const uncritical = await ca.issue(plainTbs(ca.template([poison(false)])))
  const notNull = await ca.issue(plainTbs(ca.template([poison(true, Uint8Array.of(4, 0))])))
  const poisonedTwice = await ca.sign(precertificateTbs(ca.template([poison(true)])))
  const { intermediate, root } = ca
  const [stranger] = tesseract('test_intermediate_ca_cert.pem') as [Certificate]
  const forged = parseCertificate(
    assembleCertificate(
      certificate.tbs,
      'ecdsa-sha2-256-nistp256',
      await ca.rootSigner.sign(certificate.tbs),
    ),
  )
  const refused: [string, string, Pick<Certificate, 'der'>[]][] = [
    ['two poisons', 'add-pre-chain', [poisonedTwice, intermediate, root]],
    ['no chain', 'add-chain', []],
    ['issuers out of order', 'add-chain', [certificate, root, intermediate]],
    ['an unrelated certificate', 'add-chain', [certificate, intermediate, root, stranger]],
    ['an unrelated certificate between', 'add-chain', [certificate, stranger, intermediate, root]],
    ['no issuer', 'add-chain', [certificate]],
    ['a certificate twice', 'add-chain', [certificate, certificate, intermediate, root]],
    ['a precertificate twice', 'add-pre-chain', [precertificate, precertificate, intermediate, root]],
    ['a signature by another key', 'add-chain', [forged, intermediate, root]],
    ['a precertificate as certificate', 'add-chain', [precertificate, intermediate, root]],
    ['a certificate as precertificate', 'add-pre-chain', [certificate, intermediate, root]],
    ['poison that is not critical', 'add-pre-chain', [uncritical, intermediate, root]],
    ['poison that is not NULL', 'add-pre-chain', [notNull, intermediate, root]],
    ['a CA without code signing', 'add-chain', [root]],
    ['too long a chain', 'add-chain', [certificate, ...Array(10).fill(intermediate)]],
  ]
  for (const [what, endpoint, chain] of refused) {
    const answer = await submit(app, endpoint, chain)
    t.equal(answer.statusCode, 400, `${what}: ${answer.body}`)
    t.match(answer.headers['content-type'], /^text\/plain/)
    t.match(answer.body, /^Bad Request\n.+\n$/)
  }
  const raw = (payload: string) =>
    app.inject({ method: 'POST', url: '/ct/v1/add-chain', headers: json, payload })
  for (const payload of [
    '',
    '{',
    '[]',
    '{}',
    '{"chain":"x"}',
    '{"chain":[1]}',
    '{"chain":["!"]}',
    '{"chain":["AAAA"]}',
  ]) {
    t.equal((await raw(payload)).statusCode, 400, payload)
  }
  t.equal((await raw(JSON.stringify({ chain: ['A'.repeat(600_000)] }))).statusCode, 413)
  for (const type of ['text/plain', 'application', '']) {
    const typed = { ...json, 'content-type': type }
    const answer = await app.inject({
      method: 'POST',
      url: '/ct/v1/add-chain',
      headers: typed,
      payload: '{}',
    })
    t.equal(answer.statusCode, 400, `of the type '${type}'`)
  }
  t.equal(rfcRoutes.length, 8)
  for (const { method, path: url } of rfcRoutes)
    for (const other of [method === 'GET' ? 'POST' : 'GET', 'PUT', 'DELETE'] as const) {
      const answer = await app.inject({ method: other, url })
      t.equal(answer.statusCode, 405, url)
      t.match(answer.headers, { allow: method, 'content-type': /^text\/plain/ })
    }
  t.equal((await get(app, '/ct/v1/nothing')).statusCode, 404)
  t.equal((await log.treeHead()).size, 0n)
})

t.test('monitors can follow the tree: heads, proofs, entries, bounds', async (t) => {
  const ca = await makeCa()
  let nowMs = Date.now()
  const { app, signer } = await openCt(t, { roots: fixed(ca.root), nowMs: () => nowMs, prefix: '' })
  const sth = async () => {
    const answer = await get(app, '/ct/v1/get-sth')
    const head = JSON.parse(answer.body)
    t.strictSame(Object.keys(head), ['tree_size', 'timestamp', 'sha256_root_hash', 'tree_head_signature'])
    t.equal(answer.headers['cache-control'], 'no-store')
    const { signature } = parseDigitallySigned(b64(head.tree_head_signature))
    const rootHash = hash(head.sha256_root_hash)
    const signed = sthSignedData({ timestampMs: head.timestamp, treeSize: BigInt(head.tree_size), rootHash })
    t.ok(await verifySignature(signer.publicKey, 'sha256', signed, signature))
    return { size: head.tree_size, rootHash, timestamp: head.timestamp }
  }
  t.match(await sth(), { size: 0, rootHash: emptyRootHash })
  const add = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const answer = await submit(app, 'add-chain', [
        await ca.issue(plainTbs(ca.template())),
        ca.intermediate,
      ])
      t.equal(answer.statusCode, 200)
    }
  }
  await add(3)
  const three = await sth()
  await add(2)
  // A clock that went back must not take the head's time with it.
  nowMs -= 3_600_000
  const five = await sth()
  t.match([three.size, five.size], [3, 5])
  t.ok(five.timestamp >= three.timestamp)

  const { entries } = await getJson(app, '/ct/v1/get-entries?start=0&end=100')
  t.equal(entries.length, 5)
  for (const entry of entries) t.ok(parseMerkleTreeLeaf(b64(entry.leaf_input)).timestampMs <= five.timestamp)
  const { consistency } = await getJson(app, '/ct/v1/get-sth-consistency?first=3&second=5')
  verifyConsistency(
    { oldSize: 3n, newSize: 5n, hashes: consistency.map(hash) },
    three.rootHash,
    five.rootHash,
  )
  t.strictSame((await getJson(app, '/ct/v1/get-sth-consistency?first=0&second=5')).consistency, [])
  t.strictSame((await getJson(app, '/ct/v1/get-sth-consistency?first=5&second=5')).consistency, [])

  for (const [index, entry] of entries.entries()) {
    const leaf = leafHash(b64(entry.leaf_input))
    const url = `/ct/v1/get-proof-by-hash?hash=${encodeURIComponent(Buffer.from(leaf).toString('base64'))}&tree_size=5`
    const proof = await getJson(app, url)
    t.strictSame(Object.keys(proof), ['leaf_index', 'audit_path'])
    t.equal(proof.leaf_index, index)
    verifyInclusion(
      { leafIndex: BigInt(index), treeSize: 5n, siblings: proof.audit_path.map(hash) },
      leaf,
      five.rootHash,
    )
    const both = await getJson(app, `/ct/v1/get-entry-and-proof?leaf_index=${index}&tree_size=5`)
    t.strictSame(both, { ...entry, audit_path: proof.audit_path })
  }
  const whole = await get(app, '/ct/v1/get-entries?start=1&end=3')
  t.match([JSON.parse(whole.body).entries.length, whole.headers['cache-control']], [3, /immutable/])
  t.equal((await get(app, '/ct/v1/get-entries?start=1&end=9')).headers['cache-control'], 'public, max-age=60')
  t.strictSame(
    (await getJson(app, '/ct/v1/get-roots')).certificates.map((c: string) => b64(c)),
    [Buffer.from(ca.root.der)],
  )

  const known = encodeURIComponent(Buffer.from(leafHash(b64(entries[4].leaf_input))).toString('base64'))
  const bounds: [string, number][] = [
    ['get-sth-consistency?first=5&second=3', 400],
    ['get-sth-consistency?first=-1&second=3', 400],
    ['get-sth-consistency?first=1&second=6', 400],
    ['get-sth-consistency?first=1', 400],
    [`get-proof-by-hash?hash=${known}&tree_size=0`, 400],
    [`get-proof-by-hash?hash=${known}&tree_size=6`, 404],
    [`get-proof-by-hash?hash=${known}&tree_size=4`, 404],
    ['get-proof-by-hash?hash=&tree_size=5', 400],
    ['get-proof-by-hash?hash=AAAA&tree_size=5', 400],
    [`get-proof-by-hash?hash=${'A'.repeat(43)}%3D&tree_size=5`, 404],
    ['get-entries?start=3&end=1', 400],
    ['get-entries?start=-1&end=1', 400],
    ['get-entries?start=5&end=5', 400],
    ['get-entries?start=a&end=5', 400],
    ['get-entry-and-proof?leaf_index=5&tree_size=5', 400],
    ['get-entry-and-proof?leaf_index=1&tree_size=6', 400],
  ]
  const large = await get(app, `/ct/v1/get-entries?start=${2n ** 63n}&end=5`)
  t.match(large.body, /start must be at most 9223372036854775807/)
  for (const [url, status] of bounds) {
    const answer = await get(app, `/ct/v1/${url}`)
    t.equal(answer.statusCode, status, url)
    t.match(answer.headers['content-type'], /^text\/plain/)
  }
})

t.test(
  'roots that are not known yet are asked for, and until then the CA is told to try again',
  async (t) => {
    const ca = await makeCa()
    let roots = acceptedRoots([])
    let asked = 0
    const source: RootSource = {
      current: () => roots,
      refresh: async () => {
        if (++asked === 2) roots = acceptedRoots([ca.root.der])
      },
    }
    const { app } = await openCt(t, { roots: source, prefix: '' })
    const certificate = await ca.issue(plainTbs(ca.template()))
    const early = await submit(app, 'add-chain', [certificate, ca.intermediate])
    t.equal(early.statusCode, 503)
    t.equal(early.headers['retry-after'], '1')
    t.equal((await submit(app, 'add-chain', [certificate, ca.intermediate])).statusCode, 200)
  },
)

t.test('the description of the API has every route, at the place of this log', async (t) => {
  for (const prefix of ['', '/2026']) {
    const { app } = await openCt(t, { roots: fixed(tesseractRoot), prefix })
    t.same(await undocumentedRoutes(app), [])
    t.match((await app.inject('/docs')).body, `${prefix}/ct/v1/get-entry-and-proof`)
    t.match((await app.inject('/')).body, `${prefix}/ct/v1/get-sth`)
  }
})
