/** Rules that name a CA by the URL where it tells its chains: it may be away, and it is rotated. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import t, { type Test as TapTest } from 'tap'
import { certificatesIn, urlChains } from '../src/admission/chains.ts'
import { createGate } from '../src/admission/gate.ts'
import { followPolicy } from '../src/admission/policy-file.ts'
import { createTestCa, type TestCa } from './certified.ts'
import { json, openRekor } from './support.ts'

const issuer = 'https://accounts.example.org'
const ann = { type: 'email', value: 'ann@example.org' } as const

/** Answers like a CA, as the test says. */
async function chainServer(t: TapTest) {
  const state = { status: 200, text: '', asked: 0 }
  const server = createServer((_request, response) => {
    state.asked++
    response.writeHead(state.status).end(state.text)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => server.close())
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/trustBundle` }
}

const bundleOf = (...cas: readonly TestCa[]) =>
  JSON.stringify({
    chains: cas.map(({ pem }) => ({ certificates: pem.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) })),
  })

async function rekorWithRules(t: TapTest, rules: object) {
  const file = path.join(t.testdir({ 'rules.json': JSON.stringify(rules) }), 'rules.json')
  const faults: unknown[] = []
  const toldOf = Promise.withResolvers<void>()
  const following = await followPolicy(file, {
    onReload: () => {},
    onFault: (error) => t.fail(String(error)),
    onChainFault: (error) => {
      faults.push(error)
      toldOf.resolve()
    },
    chainRetryMs: 1,
  })
  t.teardown(() => following.stop())
  const rekor = await openRekor(t, { settings: { gate: createGate({ policy: following.current }) } })
  let count = 0
  const write = async (ca: TestCa) => {
    const { proposal } = await ca.propose(`entry ${count++}`, ann, issuer)
    const payload = JSON.stringify(proposal)
    return (await rekor.app.inject({ method: 'POST', url: '/api/v1/log/entries', headers: json, payload }))
      .statusCode
  }
  /** A CA is asked at most once a second. */
  const written = async (ca: TestCa, wanted: number) => {
    let status = await write(ca)
    for (let tries = 0; status !== wanted && tries < 1_000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      status = await write(ca)
    }
    return status
  }
  return { write, written, faults, toldOf: toldOf.promise }
}

t.test('after a rotation the new chain is known with the first entry that needs it', async (t) => {
  const [before, after, stranger] = await Promise.all([createTestCa(), createTestCa(), createTestCa()])
  const { state, url } = await chainServer(t)
  state.text = bundleOf(before)
  const rules = [{ name: 'people', effect: 'allow', when: { issuer } }]
  const { write, written } = await rekorWithRules(t, { default: 'deny', chain: url, rules })
  t.equal(await write(before), 201)
  t.equal(await write(after), 403)
  state.text = bundleOf(before, after)
  t.equal(await written(after, 201), 201)
  t.equal(await write(before), 201, 'what the old one issued is still admitted')
  const { asked } = state
  const begun = performance.now()
  for (let i = 0; i < 5; i++) t.equal(await write(stranger), 403)
  const seconds = (performance.now() - begun) / 1_000
  t.ok(state.asked - asked <= 1 + seconds, 'strangers do not make the log ask more than once a second')
  state.text = before.pem
  t.equal(await written(after, 201), 201, 'a chain that is known is not asked for')
})

t.test('a CA that is away lets nobody in, and nobody past a rule that denies', async (t) => {
  const ca = await createTestCa()
  for (const { effect, rest, known } of [
    { effect: 'allow', rest: 'deny', known: 201 },
    { effect: 'deny', rest: 'allow', known: 403 },
  ] as const) {
    const { state, url } = await chainServer(t)
    state.status = 503
    const rules = [{ name: 'people', effect, when: { issuer, chain: url } }]
    const { write, written, faults, toldOf } = await rekorWithRules(t, { default: rest, rules })
    t.equal(await write(ca), 403, effect)
    await toldOf
    t.match(faults[0], { message: /were answered with status 503/ })
    state.status = 200
    state.text = bundleOf(ca)
    t.equal(await written(ca, known), known)
    t.equal(faults.length, 1, 'told once')
  }
})

t.test('a CA that starts after its log is asked again by itself, and its absence is not told', async (t) => {
  const ca = await createTestCa()
  const { state, url } = await chainServer(t)
  state.status = 503
  const faults: unknown[] = []
  const chains = urlChains(url, (error) => faults.push(error), 1)
  await chains.refresh()
  state.status = 200
  state.text = ca.pem
  while (chains.current() === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
  t.strictSame(faults, [])
})

t.test('what is no chain is refused, not taken for an empty one', async (t) => {
  const ca = await createTestCa()
  for (const text of ['', '{}', '{"chains":[null]}', '{"chains":[{"certificates":["x"]}]}', '<html>', '{'])
    t.throws(() => certificatesIn(text), text)
  t.equal(certificatesIn(bundleOf(ca, ca)).length, 2 * certificatesIn(ca.pem).length)
})
