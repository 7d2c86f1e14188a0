import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { verifyProposal, withinWork } from '@sigstack/rekor-entries'
import { createCleartextMessage, generateKey, sign as signMessage } from 'openpgp'
import t from 'tap'
import { olpcJson } from '../src/tuf/olpc-json.ts'
import { certified, signedData, signedJar } from './support/certified.ts'
import { jarFileOf, section } from './support/packages.ts'
import { base64, dsse, json } from './vectors.ts'

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve })
const pem = ({ publicKey }: Pair) => base64(publicKey.export({ format: 'pem', type: 'spki' }))
const payload = Buffer.from('{}')
const pae = Buffer.from('DSSEv1 1 x 2 {}')
const signatureBy = ({ privateKey }: Pair, message: Buffer = pae) =>
  sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', message, privateKey).toString('base64')

function envelope(signers: readonly Pair[], keys: readonly Pair[] = signers) {
  const signatures = signers.map((signer) => ({ sig: signatureBy(signer) }))
  return dsse(JSON.stringify({ payload: base64(payload), payloadType: 'x', signatures }), ...keys.map(pem))
}

function intoto002(signers: readonly Pair[], keys: readonly Pair[] = signers) {
  const signatures = signers.map((signer, i) => ({
    sig: base64(signatureBy(signer)),
    publicKey: pem(keys[i] as Pair),
  }))
  return {
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        envelope: { payloadType: 'x', payload: base64(base64(payload)), signatures },
        hash: { algorithm: 'sha256', value: '0'.repeat(64) },
      },
    },
  }
}

const pairs = (count: number, make: () => Pair) => Array.from({ length: count }, make)
/** The least work limit under which it is verified, or refused for another reason. */
async function costOf(proposal: unknown): Promise<number> {
  for (let workLimit = 0; ; workLimit++) {
    const code = await verifyProposal(proposal, { ...policy, workLimit }).then(
      () => undefined,
      (error: { code?: string }) => error.code,
    )
    if (code !== 'too_costly') return workLimit
  }
}

t.test('work within other work has no more than is left there, and is taken from it', async (t) => {
  const three = envelope(pairs(3, () => ec('P-256')))
  const verify = () => verifyProposal(three, policy)
  await t.resolves(withinWork(6, async () => [await verify(), await verify()]))
  await t.rejects(
    withinWork(8, async () => [await verify(), await verify(), await verify()]),
    { code: 'too_costly' },
  )
  await t.resolves(withinWork(2, async () => verify().catch(() => undefined)))
})

t.test('as many signatures as keys, in one order, cost a check each', async (t) => {
  const signers = pairs(32, () => ec('P-256'))
  t.equal(await costOf(envelope(signers)), 32)
  t.equal(await costOf(intoto002(signers)), 32)
  await verifyProposal(envelope(signers), policy)
})

t.test('a signature that has its key is not tried again', async (t) => {
  const signers = pairs(4, () => ec('P-256'))
  // In the worst order some half of all pairs are tried.
  t.equal(await costOf(envelope(signers, signers.toReversed())), 9)
  const [a, b] = signers as [Pair, Pair]
  t.equal(await costOf(envelope([a, a, a], [a])), 3)
  t.equal(await costOf(envelope([a, b, a], [a, b])), 4)
})

t.test('what a check costs depends on the key', async (t) => {
  const one = async (pair: Pair) => costOf(envelope([pair]))
  t.equal(await one(ec('P-256')), 1)
  t.equal(await one(ec('P-384')), 10)
  t.equal(await one(ec('P-521')), 20)
  t.equal(await one(generateKeyPairSync('ed25519')), 2)
  t.equal(await one(generateKeyPairSync('rsa', { modulusLength: 2048 })), 1)
  t.equal(await one(generateKeyPairSync('rsa', { modulusLength: 4096 })), 3)
})

t.test('no envelope costs more than 64 checks of P-256', async (t) => {
  const dear = pairs(32, () => ec('P-521'))
  const message = /more than 64 checks of P-256 signatures/
  for (const proposal of [envelope(dear), intoto002(dear)])
    await t.rejects(verifyProposal(proposal, policy), { name: 'EntryError', code: 'too_costly', message })
  await verifyProposal(envelope(dear.slice(0, 3)), policy)
  await t.rejects(verifyProposal(envelope(dear.slice(0, 4)), policy), { code: 'too_costly' })
  await verifyProposal(envelope(dear), { ...policy, workLimit: 640 })
  const strangers = pairs(32, () => ec('P-256'))
  const cheap = pairs(32, () => ec('P-256'))
  await t.rejects(verifyProposal(envelope(cheap, strangers), { ...policy, workLimit: 31 }), {
    code: 'too_costly',
  })
  await t.rejects(verifyProposal(envelope(cheap, strangers), policy), { code: 'envelope_not_verified' })
  const one = ec('P-384')
  const signatures = cheap.map((signer) => ({ sig: signatureBy(signer) }))
  const text = JSON.stringify({ payload: base64(payload), payloadType: 'x', signatures })
  const intoto001 = {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { envelope: text }, publicKey: pem(one) },
  }
  await t.rejects(verifyProposal(intoto001, policy), { code: 'too_costly' })
})

t.test('which keys are needed is as before', async (t) => {
  const [a, b, c] = pairs(3, () => ec('P-256')) as [Pair, Pair, Pair]
  const verifiersOf = async (proposal: unknown) => {
    const { body } = await verifyProposal(proposal, policy)
    const { spec } = JSON.parse(Buffer.from(body).toString()) as {
      spec: { signatures: readonly { verifier: string }[] }
    }
    return spec.signatures.map(({ verifier }) => verifier).sort()
  }
  t.same(await verifiersOf(envelope([a, b], [b, a])), [pem(a), pem(b)].sort())
  t.same(await verifiersOf(envelope([a, a], [a, b])), [pem(a), pem(a)], 'a key too many is not looked at')
  t.same(await verifiersOf(envelope([a, b, a], [b, a])), [pem(a), pem(a), pem(b)].sort())
  t.same(await verifiersOf(envelope([a, b], [a, a, b])), [pem(a), pem(b)].sort(), 'a key sent twice')
  const notMet = /accepted signatures do not match threshold/
  await t.rejects(verifyProposal(envelope([a, b], [c, a, b]), policy), { message: notMet })
  await t.rejects(verifyProposal(envelope([a, b], [a, c]), policy), { message: notMet })
  await t.rejects(verifyProposal(envelope([a, b], [a]), policy), { message: /^all signatures must/ })
  await t.rejects(verifyProposal(intoto002([a, a], [a, b]), policy), { message: notMet })
})

t.test('a long message is hashed once for many signatures, or paid for', async (t) => {
  const long = Buffer.alloc(1_048_576, 0x20)
  const message = Buffer.concat([Buffer.from(`DSSEv1 1 x ${long.length} `), long])
  const of = (signers: readonly Pair[]) => {
    const signatures = signers.map((signer) => ({ sig: signatureBy(signer, message) }))
    const text = JSON.stringify({ payload: base64(long), payloadType: 'x', signatures })
    return dsse(text, ...signers.map(pem))
  }
  t.equal(await costOf(of(pairs(3, () => ec('P-256')))), 3)
  t.equal(await costOf(of([generateKeyPairSync('ed25519')])), 2, 'the first pass is free')
  t.equal(await costOf(of(pairs(2, () => generateKeyPairSync('ed25519')))), 13)
})

t.test('a JAR pays for every digest of a file beyond the second', async (t) => {
  const signer = await certified({ type: 'email', value: 'a@example.com' }, 'https://issuer.example.com')
  const file = randomBytes(1_048_576)
  const cost = (...algorithms: string[]) => {
    const archive = signedJar([signer], [signer.der], { file, algorithms })
    return costOf({
      apiVersion: '0.0.1',
      kind: 'jar',
      spec: { archive: { content: base64(archive) } },
    })
  }
  const one = await cost('SHA-256')
  t.equal(await cost('SHA-256', 'SHA1'), one, 'old and new beside each other are free')
  t.equal(await cost('SHA-256', 'SHA1', 'SHA-512'), one + 8)
  t.equal(await cost('SHA-256', 'SHA1', 'SHA-512', 'SHA-384', 'MD5'), one + 24)
})

t.test('TUF metadata pay for keys and for signatures that are tried', async (t) => {
  const root = json<{ signed: { keys: object }; signatures: { keyid: string; sig: string }[] }>(
    'inputs/tuf/root.json',
  )
  const timestamp = json('inputs/tuf/timestamp.json')
  const tuf = (metadata: unknown, trusted: unknown) => ({
    apiVersion: '0.0.1',
    kind: 'tuf',
    spec: { metadata: { content: metadata }, root: { content: trusted } },
  })
  await verifyProposal(tuf(timestamp, root), policy)
  const [first] = root.signatures
  const wrong = Array.from({ length: 200 }, (_, i) => ({
    ...first,
    sig: `30060201010201${i.toString(16).padStart(2, '0')}`,
  }))
  await t.rejects(verifyProposal(tuf(timestamp, { ...root, signatures: wrong }), policy), {
    code: 'too_costly',
  })
  const [key] = Object.values(root.signed.keys) as unknown[]
  const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}`, key]))
  await t.rejects(verifyProposal(tuf(timestamp, { ...root, signed: { ...root.signed, keys } }), policy), {
    code: 'too_costly',
  })
})

t.test('TUF metadata pay for what they hold, and each name is encoded once to be sorted', async (t) => {
  const root = json<{ signed: object }>('inputs/tuf/root.json')
  const timestamp = json('inputs/tuf/timestamp.json')
  const withMembers = (count: number) => {
    const custom = Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}x`, 1]))
    const content = { ...root, signed: { ...root.signed, custom } }
    const spec = { metadata: { content: timestamp }, root: { content } }
    return verifyProposal({ apiVersion: '0.0.1', kind: 'tuf', spec }, policy)
  }
  await t.rejects(withMembers(10_000), { code: 'bad_signature' })
  await t.rejects(withMembers(40_000), { code: 'too_costly' })
  const spec = {
    metadata: { content: timestamp },
    root: { content: { ...root, more: 'x'.repeat(10_000_000) } },
  }
  await t.rejects(verifyProposal({ apiVersion: '0.0.1', kind: 'tuf', spec }, policy), { code: 'too_costly' })
  const names = Array.from({ length: 1000 }, (_, i) => `${(i * 7919) % 1000}`.padStart(4, 'a'))
  const from = t.capture(Buffer, 'from', Buffer.from.bind(Buffer))
  olpcJson(Object.fromEntries(names.map((name) => [name, 1])))
  t.equal(from().length, 1000)
  t.equal(olpcJson({ '\u{10000}': 1, '\uffff': 2, b: 3, a: 4 }), '{"a":4,"b":3,"\uffff":2,"\u{10000}":1}')
})

t.test(
  'the files of a JAR are paid for, beyond what one of its size holds, before they are read',
  async (t) => {
    const ann = await certified({ type: 'email', value: 'ann@example.org' }, 'https://accounts.example.org')
    const signed = (content: Uint8Array) => signedData(content, [ann], [ann.der])
    const proposalOf = (files: Record<string, Uint8Array>, line?: string) => {
      const sections = Object.entries(files).map(([name, content]) => section(name, content, line))
      const content = base64(jarFileOf({ sections, files, signed }))
      return { apiVersion: '0.0.1', kind: 'jar', spec: { archive: { content } } }
    }
    const x = Buffer.from('x')
    const tiny = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, x]))
    await verifyProposal(proposalOf(tiny(500)), policy)
    const many = proposalOf(tiny(2000))
    await t.rejects(verifyProposal(many, policy), { code: 'too_costly' })
    const zeros = { zeros: new Uint8Array(4 * 1024 * 1024) }
    await t.rejects(verifyProposal(proposalOf(zeros), { ...policy, workLimit: 30 }), { code: 'too_costly' })
    await verifyProposal(proposalOf(zeros), policy)
    // The digests are wrong, which only those find out who calculate them.
    const digests = ['MD5', 'SHA1', 'SHA-224', 'SHA-256'].map((name) => `${name}-Digest: x`).join('\r\n')
    await t.rejects(verifyProposal(proposalOf(zeros, digests), policy), { code: 'too_costly' })
  },
)

t.test('the checksums of a chart are paid for by their length', async (t) => {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ email: 'ann@example.org' }],
    type: 'ecc',
    curve: 'ed25519Legacy',
    format: 'object',
  })
  const proposalOf = async (text: string) => {
    const message = await createCleartextMessage({ text })
    const content = base64(await signMessage({ message, signingKeys: privateKey }))
    const spec = { chart: { provenance: { content } }, publicKey: { content: base64(publicKey.armor()) } }
    return { apiVersion: '0.0.1', kind: 'helm', spec }
  }
  const file = `files:\n  a.tgz: sha256:${'0'.repeat(64)}\n`
  const usual = await costOf(await proposalOf(`name: a\n...\n${file}`))
  t.ok(usual < 8)
  const names = Array.from({ length: 400 }, (_, i) => i.toString(36)).join()
  const long = await proposalOf(`name: a\n...\nmore: {${names}}\n${file}`)
  t.ok((await costOf(long)) > usual + 8)
  const refusals = [
    [`name: a\n...\n{${'a,'.repeat(1024)}}`, /^more than 2048 characters of checksums$/],
    [`${'\n'.repeat(6000)}\n...\n${file}`, /^more than 5000 lines in provenance file$/],
    [`name: a\n...\n${file}files: {}\n`, /comes twice$/],
    [`name: a\n...\n${file}more: {1: a, '1': b}\n`, /comes twice$/],
    [`name: a\n...\n${file}? {a: b}\n: c\n`, /a name is no text/],
  ] as const
  for (const [text, message] of refusals)
    await t.rejects(verifyProposal(await proposalOf(text), policy), { code: 'bad_format', message })
})

t.test('no kind makes a check that it does not pay for', async (t) => {
  const folder = new URL('../src/', import.meta.url).pathname
  const makers = /^(?:keys\/checks|keys\/verify-with|keys\/pgp\/signature(?:-v3)?)\.ts$/
  const check =
    /\b(?:verifySignature|verifyDigest|verifyChain|verifyCertificateSignature|createVerify|verify)\b/
  for await (const file of glob('**/*.ts', { cwd: folder })) {
    if (makers.test(file)) continue
    const imports = readFileSync(`${folder}${file}`, 'utf8').matchAll(/import \{([^}]*)\} from '([^']+)'/g)
    for (const [, names = '', from = ''] of imports)
      if (/^(?:node:crypto|openpgp|@sigstack\/(?:crypto|x509))$/.test(from)) t.notMatch(names, check, file)
  }
})
