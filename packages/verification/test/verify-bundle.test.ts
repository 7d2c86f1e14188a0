import { readdirSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { type Artifact, artifactOfBytes, parseDigest } from '../src/artifact.ts'
import { identityCondition } from '../src/identity-condition.ts'
import {
  type BundleCase,
  beacon,
  bundleCases,
  bundleVectors,
  readVector,
  refusalReasons,
  verifyCase,
} from '../src/testing.ts'

const cases = bundleCases()
const reasons = refusalReasons()

function reasonOf(id: string): RegExp {
  const reason = reasons[id] ?? 'a reason that nobody gave'
  return new RegExp(reason.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
}

function artifactsOf(c: BundleCase): readonly Artifact[] {
  const digest = c.artifactDigest === undefined ? undefined : parseDigest(c.artifactDigest)
  return [
    ...(c.artifact === undefined ? [] : [artifactOfBytes(readVector(c.artifact))]),
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
      if (c.expect === 'pass') await t.resolves(verifyCase(c, artifact), name)
      else
        await t.rejects(
          verifyCase(c, artifact),
          { name: 'VerificationError', code: /^(not_verified|bad_bundle)$/, message: reasonOf(c.id) },
          name,
        )
    }
  }
})

t.test('bundles whose answer depends on trusted root or timestamp', async (t) => {
  for (const id of readdirSync(path.join(bundleVectors, 'trust'))) {
    const files = readdirSync(path.join(bundleVectors, 'trust', id))
    const own = (name: string, otherwise: string) =>
      files.includes(name) ? readVector(`trust/${id}/${name}`).toString().trim() : otherwise
    const fail = id.endsWith('_fail')
    const c: BundleCase = {
      id,
      bundle: `trust/${id}/bundle.sigstore.json`,
      trustedRoot: `trust/${id}/trusted_root.json`,
      expect: fail ? 'fail' : 'pass',
      why: '',
      identity: own('identity', beacon.identity),
      issuer: own('issuer', beacon.issuer),
    }
    const artifact = artifactOfBytes(
      readVector(files.includes('artifact') ? `trust/${id}/artifact` : 'conformance/a.txt'),
    )
    const refusal = { code: /^(not_verified|missing_validity_start)$/, message: reasonOf(`trust/${id}`) }
    if (fail) await t.rejects(verifyCase(c, artifact), refusal, id)
    else await t.resolves(verifyCase(c, artifact), id)
  }
})

t.test('who is accepted is said by a value or a pattern that can be read, or nobody is', async (t) => {
  for (const wanted of [{}, { value: '' }, { pattern: '' }, { pattern: 'a(' }, { pattern: 'a'.repeat(4097) }])
    t.throws(() => identityCondition(wanted), { name: 'VerificationError', code: 'bad_policy' })
  t.doesNotThrow(() => identityCondition({ value: 'a', pattern: '^a$' }))
})
