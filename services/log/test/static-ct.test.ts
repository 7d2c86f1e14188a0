/** The CT log read by C2SP static-ct-api: checkpoint, data tiles and issuers, against what was submitted. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parseCheckpoint } from '@sigstack/checkpoint'
import { keyFingerprint, parsePublicKeyPem, sha256, sha256Hex, verifySignature } from '@sigstack/crypto'
import {
  ctNoteKeyHint,
  parseAddChainResponse,
  parseCtNoteSignature,
  sthSignedData,
  verifySct,
} from '@sigstack/ct'
import { leafHash } from '@sigstack/merkle'
import { auditPlainLog } from '@sigstack/rekor-log'
import { extensionOid, parseCertificatesPem, removeExtension } from '@sigstack/x509'
import t, { type Test } from 'tap'
import { emptyDatabase, startRekor } from './running-log.ts'
import { readVector } from './support.ts'

const pem = (name: string) => readVector(`tesseract/${name}.pem`)
const [root] = parseCertificatesPem(pem('test_root_ca_cert'))
const [intermediate] = parseCertificatesPem(pem('test_intermediate_ca_cert'))
const [leaf] = parseCertificatesPem(pem('test_leaf_cert_signed_by_root'))
const [precert] = parseCertificatesPem(pem('test_leaf_pre_cert_signed_by_intermediate'))
if (!root || !intermediate || !leaf || !precert) throw new Error('the vectors are there')

type Database = Awaited<ReturnType<typeof emptyDatabase>>

async function start(
  t: Test,
  variables: Readonly<Record<string, string>> = {},
  { folder = t.testdir(), database: known = undefined as Database | undefined } = {},
) {
  writeFileSync(path.join(folder, 'roots.pem'), pem('test_root_ca_cert'))
  const database = known ?? (await emptyDatabase(t))
  const log = await startRekor(t, {
    ...database,
    keysFolder: folder,
    variables: {
      LOG_FACE: 'ct',
      LOG_HOSTNAME: 'ct.example.org',
      CT_PREFIX: '/2026',
      CT_ROOTS_FILE: path.join(folder, 'roots.pem'),
      CT_EXTENDED_KEY_USAGES: 'any',
      ...variables,
    },
  })
  const at = `${log.url}/2026`
  const submit = async (endpoint: string, chain: readonly Uint8Array[]) => {
    const body = JSON.stringify({ chain: chain.map((der) => Buffer.from(der).toString('base64')) })
    const answer = await fetch(`${at}/ct/v1/${endpoint}`, { method: 'POST', body })
    t.equal(answer.status, 200)
    return parseAddChainResponse(await answer.text())
  }
  const bytes = async (name: string) => {
    const answer = await fetch(`${at}/${name}`)
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
  }
  return { log, folder, database, submit, bytes, publicKey: parsePublicKeyPem(log.publicKeyPem) }
}

const u24 = (content: Uint8Array) => {
  const length = Buffer.alloc(3)
  length.writeUIntBE(content.length, 0, 3)
  return Buffer.concat([length, content])
}
const u16 = (value: number) => {
  const encoded = Buffer.alloc(2)
  encoded.writeUInt16BE(value)
  return encoded
}
const time = (ms: number) => {
  const encoded = Buffer.alloc(8)
  encoded.writeBigUInt64BE(BigInt(ms))
  return encoded
}

t.test('tiles of data hold what was submitted, and the tree is made of it', async (t) => {
  const { log, database, submit, bytes, publicKey } = await start(t, { CT_LEAF_INDEX: 'on' })
  t.match(await log.read('/2026/checkpoint'), 'ct.example.org/2026\n0\n', 'of the empty tree')
  const first = await submit('add-chain', [leaf.der, root.der])
  const second = await submit('add-pre-chain', [precert.der, intermediate.der, root.der])
  t.equal(Buffer.from(first.extensions).toString('hex'), '0000050000000000')
  t.equal(Buffer.from(second.extensions).toString('hex'), '0000050000000001')
  const again = await submit('add-chain', [leaf.der, root.der])
  t.same([again.timestampMs, again.extensions], [first.timestampMs, first.extensions], 'of its first entry')
  const certificate = { type: 'x509', certificate: leaf.der } as const
  t.ok(await verifySct(first, certificate, publicKey), 'the extension is signed')

  const tbs = removeExtension(precert.tbs, extensionOid.poison)
  const entries = [
    Buffer.concat([time(first.timestampMs), u16(0), u24(leaf.der), u16(8), first.extensions]),
    Buffer.concat([
      time(second.timestampMs),
      u16(1),
      sha256(intermediate.spki),
      u24(tbs),
      u16(8),
      second.extensions,
    ]),
  ] as const
  const tile = await bytes('tile/data/000.p/2')
  t.equal(tile.headers.get('content-type'), 'application/octet-stream')
  t.same(
    tile.body,
    Buffer.concat([
      entries[0],
      u16(32),
      sha256(root.der),
      entries[1],
      u24(precert.der),
      u16(64),
      sha256(intermediate.der),
      sha256(root.der),
    ]),
  )
  const leaves = entries.map((entry) => leafHash(Buffer.concat([Buffer.of(0, 0), entry])))
  t.same((await bytes('tile/0/000.p/2')).body, Buffer.concat(leaves))
  for (const wrong of ['tile/data/000', 'tile/data/000.p/3', 'tile/data/001', 'tile/data/0', 'tile/data/'])
    t.equal((await bytes(wrong)).status, 404, wrong)
  const raw = await fetch(`${log.url}/2026/tile/data/000.p/2`, { headers: { 'accept-encoding': 'identity' } })
  t.notOk(raw.headers.get('content-encoding'))
  t.same(Buffer.from(await raw.arrayBuffer()), tile.body)
  t.throws(() => gunzipSync(tile.body))

  for (const { der } of [root, intermediate]) {
    const issuer = await bytes(`issuer/${sha256Hex(der)}`)
    t.equal(issuer.headers.get('content-type'), 'application/pkix-cert')
    t.same(issuer.body, Buffer.from(der))
  }
  for (const name of [sha256Hex(leaf.der), 'x', sha256Hex(root.der).toUpperCase()])
    t.equal((await bytes(`issuer/${name}`)).status, 404, name)

  t.match(await auditPlainLog({ pool: database.pool, log: 'ct/2026' }), { findingCount: 0, entries: 2n })
})

t.test('the first line of a checkpoint is a tree head of RFC 6962, the next is over its text', async (t) => {
  const { log, submit, publicKey } = await start(t)
  const sct = await submit('add-chain', [leaf.der, root.der])
  t.equal(sct.extensions.length, 0, 'by default there are none')
  const { origin, treeHead, signatures, text } = parseCheckpoint(await log.read('/2026/checkpoint'))
  t.equal(origin, 'ct.example.org/2026')
  const logId = keyFingerprint(publicKey)
  const [ofHead, ofText] = signatures
  if (ofHead === undefined || ofText === undefined) throw new Error('both are there')
  t.same(
    signatures.map(({ name }) => name),
    [origin, origin],
  )
  t.same(ofHead.keyHint, ctNoteKeyHint(origin, logId))
  const { timestampMs, signature } = parseCtNoteSignature(ofHead.signature)
  t.ok(timestampMs >= sct.timestampMs, 'not before its newest entry')
  const signed = sthSignedData({ timestampMs, treeSize: treeHead.size, rootHash: treeHead.rootHash })
  t.ok(await verifySignature(publicKey, 'sha256', signed, signature.signature))
  t.ok(await verifySignature(publicKey, 'sha256', Buffer.from(text), ofText.signature))

  const sth = JSON.parse(await log.read('/2026/ct/v1/get-sth')) as {
    tree_size: number
    sha256_root_hash: string
  }
  t.equal(sth.tree_size, 1)
  t.equal(sth.sha256_root_hash, Buffer.from(treeHead.rootHash).toString('base64'), 'one tree for both')
})

t.test('a log whose entries are from before keeps their issuers when a tile names them', async (t) => {
  const before = await start(t)
  await before.submit('add-chain', [leaf.der, root.der])
  await before.log.stop()
  await before.database.pool.query('delete from ct_issuer')
  const { bytes } = await start(t, {}, before)
  const issuer = `issuer/${sha256Hex(root.der)}`
  t.equal((await bytes(issuer)).status, 404)
  t.equal((await bytes('tile/data/000.p/1')).status, 200)
  t.same((await bytes(issuer)).body, Buffer.from(root.der))
})
