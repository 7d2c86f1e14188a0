/** Signatures over subtrees: the statuses of C2SP tlog-witness, and the bytes that are signed. */
import { parseNoteKey, parseSignedNote } from '@sigstack/checkpoint'
import { concatBytes, verifyMlDsa } from '@sigstack/crypto'
import { emptyTree, growTree, leafHash } from '@sigstack/merkle'
import t from 'tap'
import { openWitness, testLog } from './support.ts'

const origin = 'log.example/1'

t.test('a subtree of a cosigned checkpoint is signed without a time', async (t) => {
  const log = testLog(origin)
  const witness = await openWitness(t, [log.vkey])
  const { body: lines } = await witness.add(await log.submission(0, 300))
  for (const [start, end] of [
    [0, 300],
    [0, 7],
    [256, 300],
    [4, 8],
    [299, 300],
  ] as const) {
    const { status, body } = await witness.post(
      '/sign-subtree',
      await log.subtreeRequest(start, end, 300, lines),
    )
    t.equal(status, 200, `${start} to ${end}`)
    const [line, ...more] = parseSignedNote(`text\n\n${body}`).signatures
    t.strictSame(more, [], 'Ed25519 signs no subtrees')
    const key = parseNoteKey(witness.verifierKeys[1] ?? '')
    t.strictSame(Buffer.from(line?.keyHint ?? []), Buffer.from(key.keyHint))
    const signature = line?.signature ?? new Uint8Array()
    t.strictSame(Buffer.from(signature.subarray(0, 8)), Buffer.alloc(8), 'no time')
    const leaves = Array.from({ length: end - start }, (_, at) => leafHash(Buffer.from(`leaf ${start + at}`)))
    const message = concatBytes(
      Buffer.from('subtree/v1\n\0'),
      Buffer.from(`\x0fwitness.example`),
      Buffer.alloc(8),
      Buffer.from(`\x0d${origin}`),
      uint64(start),
      uint64(end),
      growTree(emptyTree, leaves).tree.rootHash,
    )
    t.ok(await verifyMlDsa(key.material, message, signature.subarray(8)))
  }
})

t.test('each fault has its status', async (t) => {
  const log = testLog(origin)
  const other = testLog('other.example')
  const witness = await openWitness(t, [log.vkey])
  const { body: lines } = await witness.add(await log.submission(0, 300))
  const good = await log.subtreeRequest(4, 8, 300, lines)
  const [ed25519 = ''] = lines.split('\n')
  const cases: Record<string, [string, number]> = {
    nothing: ['', 400],
    'no subtree': [good.replace('subtree 4 8', 'subtree 4 9'), 400],
    'an end behind the tree': [good.replace('subtree 4 8', 'subtree 512 600'), 400],
    'a zero before a number': [good.replace('subtree 4 8', 'subtree 04 8'), 400],
    'no hash': [`subtree 4 8\n\n${good.slice(good.indexOf('\n\n') + 2)}`, 400],
    'an unknown log': [await other.subtreeRequest(4, 8, 300, ''), 404],
    'no line of the witness': [await log.subtreeRequest(4, 8, 300, ''), 403],
    'a line of another tree': [await log.subtreeRequest(4, 8, 299, lines), 403],
    'a line of a key that signs no subtrees': [await log.subtreeRequest(4, 8, 300, `${ed25519}\n`), 403],
    'a proof of another subtree': [good.replace('subtree 4 8', 'subtree 8 12'), 422],
  }
  for (const [name, [body, status]] of Object.entries(cases))
    t.equal((await witness.post('/sign-subtree', body)).status, status, name)
})

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
