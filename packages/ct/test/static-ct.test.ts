/** What C2SP static-ct-api adds to RFC 6962, against a checkpoint of another log and values worked out by hand. */
import { readFileSync } from 'node:fs'
import { parsePublicKey, verifySignature } from '@sigstack/crypto'
import t from 'tap'
import {
  ctNoteKeyHint,
  encodeCtNoteSignature,
  encodeExtraData,
  encodeTileLeaf,
  leafIndexExtensions,
  merkleTreeLeaf,
  parseCtNoteSignature,
  sthSignedData,
} from '../src/index.ts'

const vector = (name: string) => readFileSync(new URL(`vectors/static-ct/${name}`, import.meta.url), 'utf8')

t.test('the signature in a checkpoint of another log is a tree head of RFC 6962', async (t) => {
  const { key, log_id, final_tree_head: head } = JSON.parse(vector('log.v3.json'))
  const [origin = '', size = '', rootHash = '', , line = ''] = vector('checkpoint').split('\n')
  const bytes = Buffer.from(line.split(' ').at(-1) ?? '', 'base64')
  t.same(bytes.subarray(0, 4), Buffer.from(ctNoteKeyHint(origin, Buffer.from(log_id, 'base64'))))
  const parsed = parseCtNoteSignature(bytes.subarray(4))
  t.equal(parsed.timestampMs, head.timestamp)
  t.same(encodeCtNoteSignature(parsed), bytes.subarray(4))
  const signed = sthSignedData({
    timestampMs: parsed.timestampMs,
    treeSize: BigInt(size),
    rootHash: Buffer.from(rootHash, 'base64'),
  })
  const publicKey = parsePublicKey(Buffer.from(key, 'base64'))
  t.ok(await verifySignature(publicKey, 'sha256', signed, parsed.signature.signature))
  t.throws(() => parseCtNoteSignature(bytes.subarray(4, -1)), { name: 'CtError' })
  // tsa-and-ct.md section B13.
  const logId = Buffer.from('2ca5cd27a89484c38e74868d2d3bde1e7852afe7e2771e6f89c7bd667dfcf8ef', 'hex')
  t.equal(Buffer.from(ctNoteKeyHint('tesseract', logId)).toString('hex'), 'cccf4eb1')
})

t.test('an index has 40 bits', (t) => {
  const hex = (index: bigint) => Buffer.from(leafIndexExtensions(index)).toString('hex')
  t.equal(hex(0x70n), '0000050000000070')
  t.equal(hex(2n ** 40n - 1n), '000005ffffffffff')
  for (const index of [-1n, 2n ** 40n]) t.throws(() => leafIndexExtensions(index), { code: 'out_of_range' })
  t.end()
})

t.test('an entry of a tile is a leaf without its head, and names its issuers', (t) => {
  const certificate = Buffer.from('leaf')
  const entry = { type: 'x509', certificate } as const
  const leaf = merkleTreeLeaf({ timestampMs: 1, entry, extensions: leafIndexExtensions(7n) })
  const chain = [Buffer.from('issuer')]
  const { bytes, issuers } = encodeTileLeaf(leaf, encodeExtraData({ type: 'x509', chain }))
  t.same(
    Buffer.from(bytes).toString('hex'),
    `0000000000000001${'0000'}000004${certificate.toString('hex')}00080000050000000007` +
      '0020' +
      '535c6f8eb511f5d966a1b0725df92ebf27514faba945cbbd698e23ac72c41757',
  )
  t.same(
    issuers.map((der) => Buffer.from(der).toString()),
    ['issuer'],
  )
  t.throws(() => encodeTileLeaf(leaf, Buffer.from('00', 'hex')), { name: 'CtError' })
  t.end()
})
