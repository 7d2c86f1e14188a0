import { canonicalJson, defaultClientAlgorithms } from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import { EntryError, readStoredEntry, type VerifiedEntry, verifyProposal } from '@sigstack/rekor-entries'
import t from 'tap'
import {
  type Bundle,
  base64,
  bodyOf,
  type Derived,
  dsse,
  type Expected,
  hashedrekordOf,
  json,
  keyOf,
  names,
  serialisationsOf,
} from './vectors.ts'

const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
const expected = json<Record<string, Expected>>('expected/real-entries.json')

/** Without the bare key hashes that this log indexes in addition for dsse and intoto. */
function rekorKeys({ kind, searchKeys }: VerifiedEntry): readonly string[] {
  const bare = /^[0-9a-f]{64}$/
  const kept = kind === 'dsse' || kind === 'intoto' ? searchKeys.filter((key) => !bare.test(key)) : searchKeys
  return [...kept].sort()
}

const leafHashOf = (body: Uint8Array) => Buffer.from(leafHash(body)).toString('hex')

t.test('every real hashedrekord is rebuilt byte for byte from its bundle', async (t) => {
  const bundles = names('bundles').filter((name) => !/^(?:dsse|intoto)/.test(name))
  t.equal(bundles.length, 15)
  for (const name of bundles) {
    const path = `bundles/${name}/bundle.json`
    const bundle = json<Bundle>(path)
    const entry = await verifyProposal(hashedrekordOf(path, bundle), policy)
    t.equal(Buffer.from(entry.body).toString(), bodyOf(bundle).toString(), name)
    t.equal(leafHashOf(entry.body), expected[path]?.leafHash, `${name}: leaf hash`)
    t.same(rekorKeys(entry), expected[path]?.indexKeys, `${name}: search keys`)
    t.same(readStoredEntry(entry.body).searchKeys, entry.searchKeys, `${name}: search keys from the body`)
    t.equal(canonicalJson(JSON.parse(Buffer.from(entry.body).toString())), bodyOf(bundle).toString())
  }
})

t.test(
  'every real dsse entry is rebuilt byte for byte from its bundle, in the serialisation of its client',
  async (t) => {
    const clients = {
      'dsse-cosign-oci-attestation': 'cosign',
      'dsse-go-serialisation': 'go',
      'dsse-java-sample': 'js',
      'dsse-js-serialisation': 'js',
      'dsse-rs-sample': 'go',
    } as const
    for (const [name, client] of Object.entries(clients)) {
      const path = `bundles/${name}/bundle.json`
      const bundle = json<Bundle>(path)
      const envelopes = serialisationsOf(bundle.dsseEnvelope!)
      const entry = await verifyProposal(dsse(envelopes[client], base64(keyOf(path, bundle))), policy)
      t.equal(Buffer.from(entry.body).toString(), bodyOf(bundle).toString(), name)
      t.equal(leafHashOf(entry.body), expected[path]?.leafHash, `${name}: leaf hash`)
      t.same(rekorKeys(entry), expected[path]?.indexKeys, `${name}: search keys`)
      const fromBody = readStoredEntry(entry.body).searchKeys
      t.ok(
        fromBody.every((key) => entry.searchKeys.includes(key)),
        `${name}: search keys from the body`,
      )
      const keyHash = entry.searchKeys[0]?.replace('sha256:', '') ?? ''
      t.ok(
        entry.searchKeys.includes(keyHash) && fromBody.includes(keyHash),
        `${name}: found by its bare key hash`,
      )
    }
  },
)

t.test('bodies that a server answered with are proposals of themselves', async (t) => {
  // A JAR's body holds less than its proposal: see packages.test.ts.
  for (const name of names('api').filter((name) => name !== 'prod-jar-entry.json')) {
    const whole = json<Record<string, unknown>>(`api/${name}`)
    const entry = (typeof whole.body === 'string' ? whole : Object.values(whole)[0]) as { body: string }
    const body = Buffer.from(entry.body, 'base64')
    const verified = await verifyProposal(JSON.parse(body.toString()), policy)
    t.equal(Buffer.from(verified.body).toString(), body.toString(), name)
    t.equal(leafHashOf(verified.body), expected[`api/${name}`]?.leafHash, name)
    t.same(rekorKeys(verified), expected[`api/${name}`]?.indexKeys, name)
  }
})

t.test('derived proposals give the derived bodies, leaf hashes and search keys', async (t) => {
  for (const name of names('derived').filter((name) => name !== 'rejected.json')) {
    const { note, proposal, canonicalBody, leafHash: hash, indexKeys } = json<Derived>(`derived/${name}`)
    const before = JSON.stringify(proposal)
    const entry = await verifyProposal(proposal, policy)
    t.equal(Buffer.from(entry.body).toString(), canonicalBody, note)
    t.equal(leafHashOf(entry.body), hash, `${name}: leaf hash`)
    // What is no digest in a statement is no search key here.
    const known = indexKeys.filter((key) => key !== 'foo:bar')
    t.same(rekorKeys(entry), known, `${name}: search keys`)
    t.equal(JSON.stringify(proposal), before, 'the proposal is left as it was')
  }
})

t.test('proposals that must be refused are refused for their own reason', async (t) => {
  const reasons: Readonly<Record<string, readonly [string, string]>> = {
    'hashedrekord-ed25519-pure': [
      'bad_signature',
      'verifying signature: failed to verify signature: ed25519: invalid signature',
    ],
    'hashedrekord-rsa2048-sha512': ['algorithm_not_allowed', 'entry algorithms are not allowed'],
    'dsse-one-of-two-verifiers': ['envelope_not_verified', 'all signatures must have a key that verifies it'],
    'cose-wrong-aad': ['bad_signature', 'verification error'],
  }
  const rejected = json<Record<string, { why: string; proposal: unknown }>>('derived/rejected.json')
  t.same(Object.keys(rejected).sort(), Object.keys(reasons).sort())
  for (const [name, { why, proposal }] of Object.entries(rejected)) {
    const [code, message] = reasons[name]!
    await t.rejects(verifyProposal(proposal, policy), { name: 'EntryError', code, message }, why)
  }
})

t.test('bundles whose content differs from what was logged never give the logged body', async (t) => {
  for (const name of names('bundles-invalid')) {
    const path = `bundles-invalid/${name}`
    const bundle = json<Bundle>(path)
    const key = base64(keyOf(path, bundle))
    const proposals =
      bundle.dsseEnvelope === undefined
        ? [hashedrekordOf(path, bundle)]
        : Object.values(serialisationsOf(bundle.dsseEnvelope)).map((envelope) => dsse(envelope, key))
    for (const proposal of proposals) {
      const body = await verifyProposal(proposal, policy).then(
        ({ body }) => Buffer.from(body).toString(),
        (error: unknown) => t.type(error, EntryError, name) && undefined,
      )
      t.not(body, bodyOf(bundle).toString(), name)
    }
  }
})
