/** Two heads of a log: grown, the same, rewritten, put back; of each kind of log. */
import { createSigner, generateSigningKey, utf8 } from '@sigstack/crypto'
import t from 'tap'
import { openTileLog } from './tile-log.ts'
import { openTreeConsole } from './tree-workshop.ts'
import { openConsole, openLog } from './workshop.ts'

const leavesOf = (count: number, word = 'leaf') =>
  Array.from({ length: count }, (_, at) => utf8(`${word} ${at}`))

async function get(url: string) {
  const answer = await fetch(url, { headers: { accept: 'text/html' }, redirect: 'manual' })
  return { status: answer.status, text: await answer.text(), to: answer.headers.get('location') }
}

const pathOf = (head: string, suffix = '') => `/log/consistency${suffix}?head=${encodeURIComponent(head)}`

async function statesOf(url: string, head: string): Promise<Readonly<Record<string, string>>> {
  const { checks } = JSON.parse((await get(url + pathOf(head, '.json'))).text)
  return Object.fromEntries(checks.map(({ name, state }: { name: string; state: string }) => [name, state]))
}

const good = { consistency: 'verified', older: 'verified', checkpoint: 'verified' }

t.test('a log that grew is told so, from every size to every other', async (t) => {
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9]
  for (const newSize of sizes) {
    const log = await openTileLog(t, leavesOf(newSize))
    const { url } = await openTreeConsole(t, newSize % 2 === 0 ? 'ct' : 'rekor-v2', log, { roots: [] })
    for (const oldSize of sizes.filter((size) => size <= newSize))
      t.same(await statesOf(url, await log.headAt(oldSize)), good, `${oldSize} to ${newSize}`)
  }
})

t.test('the page says what it means, and shows the way', async (t) => {
  const log = await openTileLog(t, leavesOf(300))
  const { url } = await openTreeConsole(t, 'ct', log, { roots: [] })
  const { status, text } = await get(url + pathOf(await log.headAt(100)))
  t.equal(status, 200)
  t.match(text, 'grew from <strong>100</strong> to <strong>300</strong> entries')
  t.match(text, '<svg class="tree"')
  t.match(text, 'data-old-size="100"')
  t.match(text, '<th scope="col">Older tree so far</th>')
  t.match((await get(url + pathOf(await log.headAt(300)))).text, 'has still the same <strong>300</strong>')
  t.match((await get(`${url}/log/consistency`)).text, 'An older signed tree head, or a bundle')
})

t.test('a log of Rekor v1 is asked by its API', async (t) => {
  const log = await openLog(
    t,
    Array.from({ length: 7 }, (_, at) => ({ body: { at } })),
  )
  const { url } = await openConsole(t, log)
  for (const size of [1, 3, 4, 7]) t.same(await statesOf(url, await log.headAt(size)), good, `${size}`)
  log.proveWith(['ab'])
  t.equal((await get(url + pathOf(await log.headAt(3)))).status, 502, 'a hash has 32 bytes')
  log.proveWith(Array.from({ length: 3 }, () => 'ab'.repeat(32)))
  t.match(await statesOf(url, await log.headAt(3)), { consistency: 'failed' })
})

t.test('a rewritten log is caught though it signs with its own key', async (t) => {
  const log = await openTileLog(t, leavesOf(9))
  const { url } = await openTreeConsole(t, 'rekor-v2', log, { roots: [] })
  for (const size of [1, 4, 5, 9]) {
    const forked = await log.headAt(size, leavesOf(9, 'other'))
    t.same(await statesOf(url, forked), { ...good, consistency: 'failed' }, `${size}`)
    t.match((await get(url + pathOf(forked))).text, 'it has shown two histories')
  }
  const larger = await log.headAt(12, leavesOf(12))
  t.match(await statesOf(url, larger), { consistency: 'failed' })
  t.match((await get(url + pathOf(larger))).text, 'put back to an older state')
  t.match(await statesOf(url, await log.headAt(0)), { consistency: 'unchecked' })
})

t.test('whose head it is counts for itself', async (t) => {
  const log = await openTileLog(t, leavesOf(4))
  const { url } = await openTreeConsole(t, 'rekor-v2', log, { roots: [] })
  const head = await log.headAt(2)
  log.signWith(createSigner(generateSigningKey()))
  const foreign = await log.headAt(2)
  t.same(await statesOf(url, head), { ...good, checkpoint: 'failed' })
  t.same(await statesOf(url, foreign), { consistency: 'verified', older: 'failed', checkpoint: 'failed' })
})

t.test('a head is brought as a note or in a bundle, and has an address then', async (t) => {
  const log = await openTileLog(t, leavesOf(4))
  const { url } = await openTreeConsole(t, 'ct', log, { roots: [] })
  const envelope = await log.headAt(2)
  const bundle = { verificationMaterial: { tlogEntries: [{ inclusionProof: { checkpoint: { envelope } } }] } }
  const post = async (head: string) => {
    const answer = await fetch(`${url}/log/consistency`, {
      method: 'POST',
      body: new URLSearchParams({ head }),
      headers: { accept: 'text/html' },
      redirect: 'manual',
    })
    return { status: answer.status, text: await answer.text(), to: answer.headers.get('location') ?? '' }
  }
  const brought = [envelope, `\n${envelope}\n`, envelope.replaceAll('\n', '\r\n'), JSON.stringify(bundle)]
  for (const head of brought) t.match(await post(head), { status: 303, to: pathOf(envelope) })
  const script = '<script>document.title="owned"</script>'
  for (const head of [script, '', 'x\n1\n', '{}', 'log\n2\nAAAA\n\n— log AAAAAA==\n']) {
    const { status, text } = await post(head)
    t.equal(status, 400, head)
    t.match(text, 'no signed tree head')
    t.notMatch(text, script)
  }
  const long = envelope.replace('\n\n', `\n${'more\n'.repeat(2_000)}\n`)
  t.match(await post(long), { status: 400, text: /too long/ })
  t.equal((await get(url + pathOf('nothing'))).status, 400)
  t.equal((await get(url + pathOf('nothing', '.json'))).status, 400)
  const stranger = envelope.replaceAll('tiles.example', 'elsewhere.example')
  t.match(await get(url + pathOf(stranger)), { status: 400, text: /no log of the origin elsewhere\.example/ })
})
