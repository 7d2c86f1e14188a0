/** The key that verified an entry is the key that rules see and search finds, of every kind; and replays use up nothing. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import path from 'node:path'
import {
  defaultClientAlgorithms,
  der,
  derTag,
  derUnsignedInteger,
  readDerChildren,
  readOnlyDer,
} from '@sigstack/crypto'
import { createLimiter } from '@sigstack/limits'
import { keyNamesOf, verifyProposal } from '@sigstack/rekor-entries'
import t, { type Test } from 'tap'
import { createGate } from '../src/admission/gate.ts'
import { decide } from '../src/admission/policy.ts'
import { readPolicy } from '../src/admission/policy-file.ts'
import { createTestCa } from './certified.ts'
import { emptyDatabase, startRekor } from './running-log.ts'
import { entryVector, json, openRekor, type Parsed, proposalFor, type RekorUnderTest } from './support.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const google = 'https://accounts.example.org'
const vector = (name: string) => entryVector(`derived/${name}.json`)
const tuf = {
  apiVersion: '0.0.1',
  kind: 'tuf',
  spec: {
    metadata: { content: entryVector('inputs/tuf/timestamp.json') },
    root: { content: entryVector('inputs/tuf/root.json') },
  },
}
const proposals: Readonly<Record<string, unknown>> = {
  tuf,
  ...Object.fromEntries(
    [
      'hashedrekord',
      'dsse',
      'intoto-0.0.1',
      'intoto-0.0.2-two-signers',
      'rekord-ssh',
      'rekord-minisign',
      'cose',
    ].map((name) => [name, vector(name).proposal]),
  ),
  helm: entryVector('proposals/helm.json'),
}

async function ask({ app }: RekorUnderTest, url: string, body: unknown, remoteAddress = '127.0.0.1') {
  const payload = JSON.stringify(body)
  const answer = await app.inject({ method: 'POST', url, headers: json, payload, remoteAddress })
  return { status: answer.statusCode, ...(JSON.parse(answer.body) as Parsed) }
}
const post = (rekor: RekorUnderTest, proposal: unknown, from?: string) =>
  ask(rekor, '/api/v1/log/entries', proposal, from)
const search = async (rekor: RekorUnderTest, query: object): Promise<string[]> => {
  const { entries } = await ask(rekor, '/api/v1/search', query)
  return entries.map(({ entryID }: Parsed) => entryID)
}

function rulesIn(t: Test, rules: object, files: Record<string, string> = {}) {
  const folder = t.testdir({ ...files, 'rules.json': JSON.stringify(rules) })
  return readPolicy(path.join(folder, 'rules.json'))
}

t.test('a rule that denies a key denies it in every kind of entry, by each of its names', async (t) => {
  let { policy: rule } = await rulesIn(t, { default: 'allow', rules: [] })
  const rekor = await openRekor(t, { settings: { gate: createGate({ policy: () => rule }) } })
  for (const [name, proposal] of Object.entries(proposals)) {
    const { verifiers } = await verifyProposal(proposal, policy)
    for (const key of verifiers.flatMap(keyNamesOf)) {
      const rules = [{ name: 'stolen', effect: 'deny', when: { key } }]
      rule = (await rulesIn(t, { default: 'allow', rules })).policy
      t.equal((await post(rekor, proposal)).status, 403, `${name}, ${key}`)
    }
  }
})

t.test('every kind is found by the keys that verified it, and by nobody else’s', async (t) => {
  const rekor = await openRekor(t)
  const keysOf = new Map<string, readonly string[]>()
  for (const [name, proposal] of Object.entries(proposals)) {
    const { verifiers } = await verifyProposal(proposal, policy)
    const answer = await post(rekor, proposal)
    t.equal(answer.status, 201, name)
    const [id = ''] = Object.keys(answer).filter((key) => key !== 'status')
    keysOf.set(
      id,
      verifiers.map(({ keyHash }) => keyHash),
    )
  }
  for (const [id, hashes] of keysOf) {
    for (const keyHash of hashes) {
      const found = await search(rekor, { keyHash })
      t.ok(found.includes(id))
      for (const other of found) t.ok(keysOf.get(other)?.includes(keyHash))
    }
  }
})

t.test('where nobody is known who signed, rules that deny by signer deny, and none allows', async (t) => {
  const when = { key: 'a'.repeat(64) }
  const facts = { kind: 'hashedrekord', verifiers: [] } as const
  for (const [effect, byDefault] of [
    ['deny', 'allow'],
    ['allow', 'deny'],
  ] as const) {
    const rules = [{ name: 'r', effect, when }]
    const { policy: rule } = await rulesIn(t, { default: byDefault, rules })
    t.equal((await decide(rule, facts, '127.0.0.1')).allowed, false, effect)
  }
})

t.test('what the log has already takes nothing from its signer', async (t) => {
  const ca = await createTestCa()
  const rules = [{ name: 'people', effect: 'allow', when: { issuer: google } }]
  const read = await rulesIn(t, { default: 'deny', chain: 'ca.pem', rules }, { 'ca.pem': ca.pem })
  const identityLimiter = createLimiter({ rules: [{ perSecond: 0.001, burst: 2 }] })
  const gate = createGate({ policy: () => read.policy, identityLimiter })
  const rekor = await openRekor(t, { settings: { gate } })
  const ann = { type: 'email', value: 'ann@example.org' } as const
  const propose = async (artifact: string) => (await ca.propose(artifact, ann, google)).proposal
  const first = (await propose('first')) as { spec: { data: { hash: { value: string } } } }
  t.equal((await post(rekor, first)).status, 201)
  const { hash } = first.spec.data
  const lower = hash.value
  for (const spelling of [lower, lower.toUpperCase(), lower.replaceAll('a', 'A')]) {
    hash.value = spelling
    t.equal((await post(rekor, first)).status, 409, spelling)
  }
  t.equal((await post(rekor, await propose('second'))).status, 201, 'the second of two')
  t.equal((await post(rekor, await propose('third'))).status, 429)
  t.equal((await post(rekor, first)).status, 409, 'a repetition is answered all the same')
})

/** A new entry of the one signature. */
const withBlanks = (count: number) => {
  const { proposal } = vector('dsse')
  const { envelope } = proposal.spec.proposedContent
  const proposedContent = { ...proposal.spec.proposedContent, envelope: `${' '.repeat(count)}${envelope}` }
  return { ...proposal, spec: { ...proposal.spec, proposedContent } }
}

t.test('what others make of a public signature takes nothing from its signer, and is theirs', async (t) => {
  const limit = 3
  const limitedRekor = () => {
    const identityLimiter = createLimiter({ rules: [{ perSecond: 0.0001, burst: limit }] })
    return openRekor(t, { settings: { gate: createGate({ identityLimiter }) } })
  }
  const stranger = '203.0.113.9'
  const statusOf = async (rekor: RekorUnderTest, proposal: unknown, from?: string) =>
    (await post(rekor, proposal, from)).status

  const dsse = await limitedRekor()
  t.equal(await statusOf(dsse, withBlanks(0)), 201)
  for (let blanks = 1; blanks <= limit; blanks++)
    t.equal(await statusOf(dsse, withBlanks(blanks), stranger), 201, 'a new entry')
  const beyond = await post(dsse, withBlanks(limit + 1), stranger)
  t.match(beyond, { status: 429, message: /from this address/ }, 'of which a network has so many')
  t.equal(await statusOf(dsse, withBlanks(limit + 1), '203.0.113.10'), 201, 'another network')

  // The signer of proposalFor makes more of them.
  const rekor = await limitedRekor()
  const first = proposalFor('first')
  t.equal(await statusOf(rekor, first), 201)
  const respelt = structuredClone(first)
  respelt.spec.signature.content = withOtherS(first.spec.signature.content)
  t.equal(await statusOf(rekor, respelt, stranger), 201, 'with the other s')
  for (let i = 2; i <= limit; i++) t.equal(await statusOf(rekor, proposalFor(`${i}`)), 201, `own ${i}`)
  const late = proposalFor('late')
  for (const from of [undefined, stranger])
    t.match(await post(rekor, late, from), { status: 429, message: /from this identity/ }, 'not yet counted')
})

t.test('what the log holds was signed before, whatever is remembered of it', async (t) => {
  const identityLimiter = createLimiter({ rules: [{ perSecond: 0.0001, burst: 2 }] })
  const nothing = { isFirst: async () => true, forget: async () => {}, stop: async () => {} }
  const gate = createGate({ identityLimiter, countedSignatures: nothing })
  const rekor = await openRekor(t, { settings: { gate } })
  const statusOf = async (proposal: unknown, from?: string) => (await post(rekor, proposal, from)).status
  const first = proposalFor('first')
  const { proposal: dsse } = vector('dsse')
  const { proposal: intoto } = vector('intoto-0.0.2-two-signers')
  for (const proposal of [first, dsse, intoto]) t.equal(await statusOf(proposal), 201)
  await rekor.search.indexed()
  const respelt = structuredClone(first)
  respelt.spec.signature.content = withOtherS(first.spec.signature.content)
  t.equal(await statusOf(respelt, '203.0.113.9'), 201)
  const blank = structuredClone(dsse)
  blank.spec.proposedContent.envelope = ` ${dsse.spec.proposedContent.envelope}`
  t.equal(await statusOf(blank, '203.0.113.9'), 201)
  const { signatures } = intoto.spec.content.envelope
  for (const [i, changed] of [signatures.toReversed(), [signatures[0]]].entries()) {
    const other = structuredClone(intoto)
    other.spec.content.envelope.signatures = changed
    t.equal(await statusOf(other, `203.0.113.${10 + i}`), 201, `signatures ${i}`)
  }
  t.equal(await statusOf(proposalFor('second')), 201, 'the second of two')
  t.equal(await statusOf(proposalFor('third')), 429)
})

t.test('a signature that was not counted, whatever the reason, counts when it comes again', async (t) => {
  const identityLimiter = createLimiter({ rules: [{ perSecond: 0.0001, burst: 1 }] })
  const gate = createGate({ identityLimiter })
  const entry = await verifyProposal(proposalFor('a'), policy)
  const isNew = async () => true
  const away = { isNew, hasSignature: () => Promise.reject(new Error('the database is away')) }
  await t.rejects(gate.admitEntry(entry, '192.0.2.1', away), { message: /away/ })
  const log = { isNew, hasSignature: async () => false }
  await gate.admitEntry(entry, '192.0.2.1', log)
  const next = await verifyProposal(proposalFor('b'), policy)
  for (let i = 0; i < 2; i++)
    await t.rejects(gate.admitEntry(next, '192.0.2.1', log), { message: /from this identity/ }, 'used up')
})

/** n − s in place of s: the same signature to everybody who verifies it. */
function withOtherS(base64: string): string {
  const [r, s] = readDerChildren(readOnlyDer(Buffer.from(base64, 'base64')).content)
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const other = order - BigInt(`0x${Buffer.from(s!.content).toString('hex')}`)
  const number = derUnsignedInteger(Buffer.from(other.toString(16).padStart(64, '0'), 'hex'))
  return Buffer.from(der(derTag.sequence, r!.whole, number)).toString('base64')
}

t.test('an entry is found by what it is, however the names in it are spelt', async (t) => {
  const rekor = await openRekor(t)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  const base64 = (content: string) => Buffer.from(content).toString('base64')
  const payloadType = 'application/vnd.in-toto+json'
  async function attest(digest: Record<string, string>): Promise<string> {
    const payload = JSON.stringify({ subject: [{ name: 'a', digest }] })
    const pae = `DSSEv1 ${payloadType.length} ${payloadType} ${Buffer.byteLength(payload)} ${payload}`
    const signatures = [{ sig: sign('sha256', Buffer.from(pae), privateKey).toString('base64') }]
    const envelope = JSON.stringify({ payload: base64(payload), payloadType, signatures })
    const proposal = {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: { proposedContent: { envelope, verifiers: [base64(pem)] } },
    }
    const answer = await post(rekor, proposal)
    t.equal(answer.status, 201)
    return Object.keys(answer).find((key) => key !== 'status') as string
  }
  const keyHash = createHash('sha256').update(pem).digest('hex')
  const plain = await attest({ sha256: 'a'.repeat(64) })
  const names = ['kind', 'issuer', 'serial', 'key']
  // In the form of before, in that of now, and in what comes of them in any guess at how they are joined.
  const forged = names.flatMap((name, i) =>
    [
      `\0${name}`,
      name,
      `${String.fromCharCode(i + 1)}${name}`,
      String.fromCharCode(i + 1),
      `\u009f${name}`,
    ].map((key) => [key, ['intoto', google, 'deadbeef', 'b'.repeat(64)][i]]),
  )
  const strange = await attest(Object.fromEntries([['sha256', 'b'.repeat(64)], ...forged]))
  t.same(await search(rekor, { keyHash, kind: ['hashedrekord', 'dsse'] }), [strange, plain])
  t.same(await search(rekor, { keyHash, kind: 'dsse' }), [strange, plain])
  t.same(await search(rekor, { kind: 'intoto' }), [])
  t.same(await search(rekor, { issuer: google }), [])
  t.same(await search(rekor, { serial: 'deadbeef' }), [])
  t.same(await search(rekor, { keyHash: 'b'.repeat(64) }), [])
  t.equal((await post(rekor, proposalFor('another'))).status, 201)
  t.same(await search(rekor, { digest: `sha256:${'b'.repeat(64)}` }), [strange], 'by what it says about')
})

t.test('a log that limits signers by its settings knows their signatures again', async (t) => {
  const database = await emptyDatabase(t)
  const variables = { LOG_LIMIT_PER_IDENTITY: '1/h' }
  const log = await startRekor(t, { ...database, keysFolder: t.testdir({}), variables })
  const send = async (blanks: number) => {
    const body = JSON.stringify(withBlanks(blanks))
    const answer = await fetch(`${log.url}/api/v1/log/entries`, { method: 'POST', headers: json, body })
    return { status: answer.status, text: await answer.text() }
  }
  t.match(await send(0), { status: 201 })
  t.match(await send(1), { status: 201 }, 'counted for who sent it, no more for its signer')
  t.match(await send(2), { status: 429, text: /from this address/ })
})
