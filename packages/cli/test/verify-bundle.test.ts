import { readdirSync, readFileSync } from 'node:fs'
import { parsePublicKeyPem } from '@sigstack/crypto'
import t from 'tap'
import { type Artifact, parseDigest } from '../src/verification/artifact.ts'
import { parseIdentityPolicy } from '../src/verification/identity-policy.ts'
import { readBundle } from '../src/verification/read-bundle.ts'
import { verifyBundle } from '../src/verification/verify-bundle.ts'

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

const beacon = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
}

async function run(c: Case, artifact: Artifact): Promise<void> {
  const policy = () =>
    parseIdentityPolicy({
      ...(c.identity !== undefined && { certificateIdentity: c.identity }),
      ...(c.issuer !== undefined && { certificateOidcIssuer: c.issuer }),
      ...(c.identityRegexp !== undefined && { certificateIdentityRegexp: c.identityRegexp }),
      ...(c.issuerRegexp !== undefined && { certificateOidcIssuerRegexp: c.issuerRegexp }),
    })
  await verifyBundle({
    bundle: readBundle(read(c.bundle).toString()),
    artifact,
    trustedRoot: read(c.trustedRoot).toString(),
    signer: c.key === undefined ? { policy: policy() } : { key: parsePublicKeyPem(read(c.key).toString()) },
    ...(c.predicateType !== undefined && { predicateType: c.predicateType }),
    ...(c.ignoreTlog !== undefined && { ignoreTlog: c.ignoreTlog }),
    ...(c.ignoreSCT !== undefined && { ignoreSct: c.ignoreSCT }),
    ...(c.requireSignedTimestamp !== undefined && { requireSignedTimestamp: c.requireSignedTimestamp }),
  })
}

function artifactsOf(c: Case): readonly Artifact[] {
  const digest = c.artifactDigest === undefined ? undefined : parseDigest(c.artifactDigest)
  return [...(c.artifact === undefined ? [] : [{ bytes: read(c.artifact) }]), ...(digest ? [digest] : [])]
}

t.test('bundles of other implementations verify or not, as they should, by file and by digest', async (t) => {
  t.equal(cases.length, 55)
  for (const c of cases) {
    const artifacts = artifactsOf(c)
    t.ok(artifacts.length > 0, c.id)
    for (const artifact of artifacts) {
      const name = `${c.id} by ${'bytes' in artifact ? 'file' : 'digest'}: ${c.why}`
      if (c.expect === 'pass') await t.resolves(run(c, artifact), name)
      else await t.rejects(run(c, artifact), { name: 'CliError', code: /^(not_verified|bad_bundle)$/ }, name)
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
    const bytes = read(files.includes('artifact') ? `trust/${id}/artifact` : 'conformance/a.txt')
    if (fail) await t.rejects(run(c, { bytes }), { code: /^(not_verified|bad_trust)$/ }, id)
    else await t.resolves(run(c, { bytes }), id)
  }
})
