import { generateKeyPairSync } from 'node:crypto'
import { createSigner, utf8 } from '@sigstack/crypto'
import { emptyTree, growTree, leafHash, proveInclusion, tileFromHashes } from '@sigstack/merkle'
import t from 'tap'
import {
  cosign,
  encodeNoteKey,
  encodeTlogProof,
  noteKeyOf,
  parseCheckpoint,
  parseTlogProof,
  parseWitnessPolicy,
  signCheckpoint,
  verifyTlogProof,
} from '../src/index.ts'

const signer = () => createSigner(generateKeyPairSync('ed25519').privateKey)
const log = signer()
const witness = signer()
const logKey = noteKeyOf('log.example', log.publicKey, 'log')
const witnessKey = noteKeyOf('witness.example', witness.publicKey, 'witness')
const leaves = ['a', 'b', 'c', 'd', 'e'].map((text) => leafHash(utf8(text)))
const { tree } = growTree(emptyTree, leaves)
const tile = tileFromHashes(Buffer.concat(leaves))
const unsigned = await signCheckpoint({
  origin: 'log.example',
  name: 'log.example',
  treeHead: tree,
  signer: log,
  keyHint: logKey.keyHint,
})
const line = await cosign(parseCheckpoint(unsigned), { key: witnessKey, sign: witness.sign }, 1_700_000_000n)
const { siblings } = proveInclusion(2n, 5n, () => tile)
const proof = { leafIndex: 2n, siblings, checkpoint: unsigned + line }
const policy = parseWitnessPolicy(
  `log ${encodeNoteKey(logKey)}\nwitness W ${encodeNoteKey(witnessKey)}\nquorum W\n`,
)

t.test('a proof is written as C2SP has it, and read back', (t) => {
  const text = encodeTlogProof({ ...proof, extra: utf8('x') })
  t.match(
    text,
    /^c2sp\.org\/tlog-proof@v1\nextra eA==\nindex 2\n(?:[A-Za-z0-9+/=]{44}\n){3}\nlog\.example\n5\n/,
  )
  t.equal(encodeTlogProof(parseTlogProof(text)), text)
  t.equal(encodeTlogProof(parseTlogProof(encodeTlogProof(proof))), encodeTlogProof(proof))
  t.end()
})

t.test('it holds for its leaf under a policy, and for nothing else', async (t) => {
  const [, , leaf, other] = leaves
  if (leaf === undefined || other === undefined) throw new Error('there are five')
  const { checkpoint, signatures } = await verifyTlogProof(proof, leaf, policy)
  t.equal(checkpoint.treeHead.size, 5n)
  t.strictSame(
    signatures.map(({ key }) => key.name),
    ['log.example', 'witness.example'],
  )
  await t.rejects(verifyTlogProof(proof, other, policy), { name: 'ProofError' })
  await t.rejects(verifyTlogProof({ ...proof, leafIndex: 3n }, leaf, policy), { name: 'ProofError' })
  await t.rejects(verifyTlogProof({ ...proof, checkpoint: unsigned }, leaf, policy), { code: 'no_quorum' })
  const signedFor = (origin: string) =>
    signCheckpoint({ origin, name: 'log.example', treeHead: tree, signer: log, keyHint: logKey.keyHint })
  const shard = await signedFor('log.example - 42')
  const ofLog = parseWitnessPolicy(`log ${encodeNoteKey(logKey)}\nquorum none\n`)
  await t.resolves(verifyTlogProof({ ...proof, checkpoint: shard }, leaf, ofLog), 'a shard of Rekor v1')
  for (const origin of ['log.example.org', 'log.example - x', 'log.example 42'])
    await t.rejects(verifyTlogProof({ ...proof, checkpoint: await signedFor(origin) }, leaf, ofLog), {
      code: 'unknown_signer',
    })
  const stranger = encodeNoteKey(noteKeyOf('log.example', signer().publicKey, 'log'))
  await t.rejects(verifyTlogProof(proof, leaf, parseWitnessPolicy(`log ${stranger}\nquorum none\n`)), {
    code: 'unknown_signer',
  })
})

t.test('other texts are no proof', (t) => {
  const text = encodeTlogProof(proof)
  for (const [what, bent] of Object.entries({
    'another version': text.replace('@v1', '@v2'),
    'no index': text.replace('index 2\n', ''),
    'a zero before it': text.replace('index 2', 'index 02'),
    'an index beyond 64 bits': text.replace('index 2', 'index 18446744073709551616'),
    'a short hash': text.replace(/index 2\n.{44}\n/, 'index 2\nAAAA\n'),
    'no base64': text.replace(/index 2\n./, 'index 2\n!'),
    'too many hashes': text.replace('index 2\n', `index 2\n${`${'A'.repeat(43)}=\n`.repeat(64)}`),
    'an extra that is no base64': text.replace('index 2', 'extra *\nindex 2'),
    'no checkpoint': text.slice(0, text.indexOf('\n\n') + 2),
    'no empty line': text.slice(0, text.indexOf('\n\n') + 1),
    'too long': text + 'x'.repeat(2_097_152),
  }))
    t.throws(() => parseTlogProof(bent), { name: 'CheckpointError' }, what)
  t.end()
})
