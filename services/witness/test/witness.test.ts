/** The witness over HTTP: the statuses of C2SP tlog-witness, and that no log gets two histories signed. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import {
  type NoteKey,
  parseCheckpoint,
  parseNoteKey,
  parseWitnessPolicy,
  verifyLines,
  verifyPolicy,
} from '@sigstack/checkpoint'
import { createSigner, generateSigningKey, toBase64 } from '@sigstack/crypto'
import t from 'tap'
import { openWitness, type TestWitness, testLog } from './support.ts'

const origin = 'log.example/1'
const keysOf = (witness: TestWitness): NoteKey[] => witness.verifierKeys.map(parseNoteKey)
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

t.test('a log that grows is cosigned by both keys, and what was cosigned is shown', async (t) => {
  const log = testLog(origin)
  let now = 1_700_000_000_500
  const witness = await openWitness(t, [log.vkey], { now: () => now })
  for (const [at, [oldSize, size]] of [
    [0, 0],
    [0, 1],
    [1, 5],
    [5, 5],
    [5, 200],
  ].entries()) {
    now = 1_700_000_000_500 + at * 1_000
    const { status, type, body } = await witness.add(await log.submission(oldSize ?? 0, size ?? 0))
    t.equal(status, 200, `${oldSize} to ${size}`)
    t.match(type, /^text\/plain/)
    const checkpoint = await log.checkpoint(size ?? 0)
    const lines = await verifyLines(parseCheckpoint(checkpoint + body), keysOf(witness))
    t.strictSame(
      lines.map(({ key, timeSeconds }) => [key.kind, timeSeconds]),
      [
        ['cosignature', BigInt(1_700_000_000 + at)],
        ['ml-dsa-44', BigInt(1_700_000_000 + at)],
      ],
    )
    const shown = await fetch(`${witness.url}/${hashOf(origin)}/checkpoint`)
    t.equal(await shown.text(), checkpoint + body)
  }
  t.equal((await fetch(`${witness.url}/${hashOf('other')}/checkpoint`)).status, 404)
  t.equal((await fetch(`${witness.url}/x/checkpoint`)).status, 404)
  t.strictSame(await (await fetch(`${witness.url}/witness.v0.json`)).json(), {
    name: 'witness.example',
    verifier_keys: witness.verifierKeys,
  })
  t.match(await (await fetch(`${witness.url}/logs.v0.json`)).json(), {
    logs: [{ origin, tree_size: '200', cosigned_at: '2023-11-14T22:13:24.000Z' }],
  })
  t.match(await (await fetch(`${witness.url}/metrics`)).text(), /submissions_total\{outcome="cosigned"\} 5/)
  t.equal((await fetch(`${witness.url}/readyz`)).status, 200)
})

t.test('each fault has its status, and changes nothing', async (t) => {
  const log = testLog(origin)
  const stranger = testLog(origin)
  const other = testLog('other.example')
  const witness = await openWitness(t, [log.vkey])
  await witness.add(await log.submission(0, 5))
  const good = await log.submission(5, 9)
  const hash = toBase64(Buffer.alloc(32, 7))
  const cases: Record<string, [string | Uint8Array, number]> = {
    nothing: ['', 400],
    'no UTF-8': [Buffer.from([0x6f, 0xff, 0x0a, 0x0a]), 400],
    'no old size': [good.replace('old 5', 'new 5'), 400],
    'an old size with a zero before it': [good.replace('old 5', 'old 05'), 400],
    'a proof that is no base64': [good.replace('old 5\n', 'old 5\n!\n'), 400],
    'too many hashes': [good.replace('old 5\n', `old 5\n${`${hash}\n`.repeat(64)}`), 400],
    'no checkpoint': [good.slice(0, good.indexOf('\n\n') + 2), 400],
    'an old size beyond the tree': [(await log.submission(5, 9)).replace('old 5', 'old 10'), 400],
    'an unknown log': [await other.submission(0, 1), 404],
    'another key': [await stranger.submission(5, 9), 403],
    'a signature of another text': [good.replace('\n9\n', '\n8\n'), 403],
    'a broken line beside a good one': [
      good + (await log.checkpoint(9)).split('\n\n')[1]?.replace(/(.{12})\n$/, 'AAAAAAAAAAA=\n'),
      403,
    ],
    'a size that was not cosigned': [await log.submission(4, 9), 409],
    'nothing cosigned yet, it says': [await log.submission(0, 9), 409],
    'a broken proof': [good.replace(/old 5\n.{44}/, `old 5\n${hash}`), 422],
    'a proof too short': [good.replace(/old 5\n.{44}\n/, 'old 5\n'), 422],
    'a proof too long': [good.replace('old 5\n', `old 5\n${hash}\n`), 422],
    'another history of the same size': [await log.submission(5, 5, 2), 422],
    'another history': [await log.submission(5, 9, 2), 422],
    'a body too large': ['old 0\n'.padEnd(200_000, 'x'), 413],
  }
  for (const [what, [body, expected]] of Object.entries(cases)) {
    const { status, type, body: said } = await witness.add(body)
    t.equal(status, expected, what)
    if (status !== 409) continue
    t.equal(type, 'text/x.tlog.size')
    t.equal(said, '5\n')
  }
  const untyped = await witness.post('/add-checkpoint', good, { 'content-type': 'text' })
  t.equal(untyped.status, 200, 'and the good one is good still, whatever type it names')
  t.match(await (await fetch(`${witness.url}/metrics`)).text(), /witness_inconsistent_total 5/)

  const fresh = await openWitness(t, [log.vkey, other.vkey], { name: 'fresh.example' })
  const empty = await other.submission(0, 0)
  const proven = empty.replace('old 0\n', `old 0\n${hash}\n`)
  t.equal((await fresh.add(proven)).status, 422, 'nothing proves that a tree extends the empty one')
  t.equal((await fresh.add(good)).status, 409)
  t.equal((await fresh.add(good)).body, '0\n')
})

t.test('of submissions at once one wins, and no size has two roots', async (t) => {
  const log = testLog(origin)
  const witness = await openWitness(t, [log.vkey])
  const copy = await witness.again()
  await witness.add(await log.submission(0, 5))
  const bodies = await Promise.all(
    Array.from({ length: 16 }, (_, at) => log.submission(5, 9, at % 2 === 0 ? undefined : 6)),
  )
  const answers = await Promise.all(bodies.map((body, at) => (at % 4 < 2 ? witness : copy).add(body)))
  const cosigned = answers.flatMap(({ status }, at) => (status === 200 ? [at % 2] : []))
  t.equal(cosigned.length, 1)
  for (const { status, body } of answers.filter((answer) => answer.status !== 200))
    t.strictSame([status, body], [409, '9\n'])
  const loser = cosigned[0] === 0 ? 6 : undefined
  t.equal((await copy.add(await log.submission(9, 9, loser))).status, 422)
})

t.test('a witness that ends between keeping and answering keeps its word', async (t) => {
  const log = testLog(origin)
  const dying = await openWitness(t, [log.vkey], {
    wrapCosigner: ({ key }) => ({ key, sign: () => Promise.reject(new Error('killed')) }),
  })
  t.equal((await dying.add(await log.submission(0, 5))).status, 500)
  await dying.stop()
  const witness = await dying.again({ wrapCosigner: (cosigner) => cosigner })
  t.strictSame(await witness.add(await log.submission(0, 5, 2)), {
    status: 409,
    type: 'text/x.tlog.size',
    body: '5\n',
  })
  t.equal((await witness.add(await log.submission(5, 5, 2))).status, 422, 'another history comes too late')
  const shown = await (await fetch(`${witness.url}/${hashOf(origin)}/checkpoint`)).text()
  t.equal((await verifyLines(parseCheckpoint(shown), keysOf(witness))).length, 2, 'it makes up for it')
  t.equal((await witness.add(await log.submission(5, 9))).status, 200)
})

t.test('a network of three with a quorum of two signs one history', async (t) => {
  const log = testLog(origin)
  const witnesses = await Promise.all(
    ['a', 'b', 'c'].map((name) => openWitness(t, [log.vkey], { name: `${name}.example` })),
  )
  const lines = witnesses.map(({ name, verifierKeys }) => `witness ${name} ${verifierKeys[0]}\n`).join('')
  const names = witnesses.map(({ name }) => name).join(' ')
  const policy = parseWitnessPolicy(`log ${log.vkey}\n${lines}group two 2 ${names}\nquorum two\n`)
  const [a, b, c] = witnesses
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three')
  const gather = async (checkpoint: string, body: string, from: readonly TestWitness[]) => {
    const answers = await Promise.all(from.map((witness) => witness.add(body)))
    return checkpoint + answers.map(({ status, body }) => (status === 200 ? body : '')).join('')
  }
  await gather('', await log.submission(0, 5), witnesses)
  // Two histories from there: each is shown to some first.
  const one = await gather(await log.checkpoint(9), await log.submission(5, 9), [a, b])
  const other = await gather(await log.checkpoint(9, 7), await log.submission(5, 9, 7), [c, a, b])
  t.equal((await verifyPolicy(parseCheckpoint(one), policy)).length, 3, 'the log and two')
  await t.rejects(verifyPolicy(parseCheckpoint(other), policy), { code: 'no_quorum' })
  const late = await gather(await log.checkpoint(9), await log.submission(5, 9), [c])
  await t.rejects(verifyPolicy(parseCheckpoint(late), policy), { code: 'no_quorum' }, 'c saw the other first')
})

t.test(
  'a changed list is read, one with a fault is not, and Rekor v1 has an origin of its own',
  async (t) => {
    const signer = createSigner(generateSigningKey())
    const log = testLog('rekor.example - 42', { signer, name: 'rekor.example' })
    const first = testLog(origin)
    const witness = await openWitness(t, [first.vkey])
    const submit = async () => (await witness.add(await log.submission(0, 3))).status
    t.equal(await submit(), 404)
    const readyz = async () =>
      (await (await fetch(`${witness.url}/readyz`)).json()) as { checks: { logs: string } }
    const until = async (done: () => Promise<boolean>) => {
      while (!(await done())) await new Promise((resolve) => setImmediate(resolve))
    }
    writeFileSync(witness.logsFile, 'logs/v0\nqpd 5\n')
    await until(async () => (await readyz()).checks.logs.includes('before the first vkey'))
    t.equal((await witness.add(await first.submission(0, 3))).status, 200)
    writeFileSync(
      witness.logsFile,
      `# ours\nlogs/v0\nvkey ${log.vkey}\norigin rekor.example - 42\nqpd 86400\n`,
    )
    await until(async () => (await submit()) !== 404)
    t.equal(await submit(), 409)
  },
)
