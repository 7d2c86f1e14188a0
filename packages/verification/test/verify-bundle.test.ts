import { readdirSync, readFileSync } from 'node:fs'
import { parsePublicKeyPem } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { type Artifact, artifactOfBytes, parseDigest } from '../src/artifact.ts'
import { identityCondition } from '../src/identity-policy.ts'
import { readBundle } from '../src/read-bundle.ts'
import { verifyBundle } from '../src/verify-bundle.ts'

type Case = {
  readonly id: string
  readonly bundle: string
  readonly expect: 'pass' | 'fail'
  readonly why: string
  readonly trustedRoot: string
  readonly artifact?: string
  readonly artifactDigest?: string
  readonly key?: string
  readonly identity?: string
  readonly issuer?: string
  readonly identityRegexp?: string
  readonly issuerRegexp?: string
  readonly predicateType?: string
  readonly ignoreTlog?: boolean
  readonly ignoreSCT?: boolean
  readonly requireSignedTimestamp?: boolean
}

const folder = new URL('./vectors/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder))
const cases: readonly Case[] = JSON.parse(read('cases.json').toString())
/** Part of the sentence with which each of those that must not verify is refused: another one would be luck. */
const reasons: Readonly<Record<string, string>> = JSON.parse(read('reasons.json').toString())

const beacon = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

async function run(c: Case, artifact: Artifact): Promise<void> {
  const policy = () => ({
    subject: identityCondition({ value: c.identity, pattern: c.identityRegexp }),
    issuer: identityCondition({ value: c.issuer, pattern: c.issuerRegexp }),
  })
  await verifyBundle({
    bundle: readBundle(read(c.bundle).toString()),
    artifact,
    trustedRoot: parseTrustedRoot(read(c.trustedRoot).toString()),
    signer: c.key === undefined ? { policy: policy() } : { key: parsePublicKeyPem(read(c.key).toString()) },
    ...(c.predicateType !== undefined && { predicateType: c.predicateType }),
    ...(c.ignoreTlog !== undefined && { ignoreTlog: c.ignoreTlog }),
    ...(c.ignoreSCT !== undefined && { ignoreSct: c.ignoreSCT }),
    ...(c.requireSignedTimestamp !== undefined && { requireSignedTimestamp: c.requireSignedTimestamp }),
  })
}

function reasonOf(id: string): RegExp {
  const reason = reasons[id] ?? 'a reason that nobody gave'
  return new RegExp(reason.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
}

function artifactsOf(c: Case): readonly Artifact[] {
  const digest = c.artifactDigest === undefined ? undefined : parseDigest(c.artifactDigest)
  return [
    ...(c.artifact === undefined ? [] : [artifactOfBytes(read(c.artifact))]),
    ...(typeof digest === 'object' ? [digest] : []),
  ]
}

t.test('bundles of other implementations verify or not, as they should, by file and by digest', async (t) => {
  t.equal(cases.length, 55)
  for (const c of cases) {
    const artifacts = artifactsOf(c)
    t.ok(artifacts.length > 0, c.id)
    for (const artifact of artifacts) {
      const name = `${c.id} by ${artifact.bytes ? 'file' : 'digest'}: ${c.why}`
      if (c.expect === 'pass') await t.resolves(run(c, artifact), name)
      else
        await t.rejects(
          run(c, artifact),
          { name: 'VerificationError', code: /^(not_verified|bad_bundle)$/, message: reasonOf(c.id) },
          name,
        )
    }
  }
})

t.test('bundles whose answer depends on trusted root or timestamp', async (t) => {
  for (const id of readdirSync(new URL('trust/', folder))) {
    const files = readdirSync(new URL(`trust/${id}/`, folder))
    const own = (name: string, otherwise: string) =>
      files.includes(name) ? read(`trust/${id}/${name}`).toString().trim() : otherwise
    const fail = id.endsWith('_fail')
    const c: Case = {
      id,
      bundle: `trust/${id}/bundle.sigstore.json`,
      trustedRoot: `trust/${id}/trusted_root.json`,
      expect: fail ? 'fail' : 'pass',
      why: '',
      identity: own('identity', beacon.identity),
      issuer: own('issuer', beacon.issuer),
    }
    const artifact = artifactOfBytes(
      read(files.includes('artifact') ? `trust/${id}/artifact` : 'conformance/a.txt'),
    )
    const refusal = { code: /^(not_verified|missing_validity_start)$/, message: reasonOf(`trust/${id}`) }
    if (fail) await t.rejects(run(c, artifact), refusal, id)
    else await t.resolves(run(c, artifact), id)
  }
})

t.test('who is accepted is said by a value or a pattern that can be read, or nobody is', async (t) => {
  for (const wanted of [{}, { value: '' }, { pattern: '' }, { pattern: 'a(' }, { pattern: 'a'.repeat(4097) }])
    t.throws(() => identityCondition(wanted), { name: 'VerificationError', code: 'bad_policy' })
  t.doesNotThrow(() => identityCondition({ value: 'a', pattern: '^a$' }))
})
