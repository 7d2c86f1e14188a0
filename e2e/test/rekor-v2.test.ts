/** A stack with logs of both versions of Rekor, and a client of both that we did not write. */
import '@sigstack/signers/few-rounds'
import path from 'node:path'
import { sha256Hex } from '@sigstack/crypto'
import { parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import { artifactOfBytes, readBundle, verifyBundle } from '@sigstack/verification'
import { type Bundle, bundleFromJSON, bundleToJSON } from '@sigstore/bundle'
import { SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs'
import { bundleBuilderFromSigningConfig } from '@sigstore/sign'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import t from 'tap'
import { startStackProcess, trialToken } from '../support/stack-process.ts'

t.setTimeout(600_000)

const email = 'tester@example.org'
const data = Buffer.from('what is signed\n')
const type = 'application/vnd.in-toto+json'
const statement = Buffer.from(
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'file', digest: { sha256: sha256Hex(data) } }],
    predicateType: 'https://example.org/predicate',
    predicate: {},
  }),
)

t.test('sigstore-js signs through Rekor v2 with a stamp, and verifies', async (t) => {
  const dataDirectory = path.join(t.testdir(), 'stack')
  const stack = await startStackProcess({ dataDirectory, environment: { SIGSTACK_REKOR: 'both' } })
  t.teardown(() => stack.stop())
  const { services, issuer, trust } = stack.endpoints
  const textOf = async (url: string) => (await fetch(url)).text()
  const published = async (name: string) => textOf(`${services['trust']}/${name}`)

  const versions = (text: string) =>
    parseSigningConfig(text).rekorTlogUrls.map(({ majorApiVersion }) => majorApiVersion)
  t.same(versions(await published('signing_config.v0.2.json')), [1], 'clients are not sent there unasked')
  const text = await published('signing_config_rekor_v2.v0.2.json')
  t.same(versions(text), [2, 1])

  const signingConfig = SigningConfig.fromJSON(JSON.parse(text))
  const root = await textOf(trust.trustedRoot)
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(root))))
  const policy = { subjectAlternativeName: `^${email}$`, extensions: { issuer } }
  for (const bundleType of ['messageSignature', 'dsseEnvelope'] as const) {
    const identityProvider = { getToken: () => trialToken(stack.endpoints, email) }
    const builder = bundleBuilderFromSigningConfig({ signingConfig, identityProvider, bundleType })
    const made = await builder.create({ data: bundleType === 'dsseEnvelope' ? statement : data, type })
    const bundle: Bundle = bundleFromJSON(bundleToJSON(made))
    const entity = bundleType === 'dsseEnvelope' ? toSignedEntity(bundle) : toSignedEntity(bundle, data)
    verifier.verify(entity, policy)
    await verifyBundle({
      bundle: readBundle(JSON.stringify(bundleToJSON(bundle))),
      artifact: artifactOfBytes(data),
      trustedRoot: parseTrustedRoot(root),
      requireSignedTimestamp: true,
      signer: {
        policy: {
          subject: { value: email },
          issuer: { value: issuer },
        },
      },
    })
    const [entry] = bundle.verificationMaterial.tlogEntries
    t.same(entry?.kindVersion, { kind: 'hashedrekord', version: '0.0.2' })
    t.equal(bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps.length, 1)
    const checkpoint = await textOf(`${services['rekor-v2']}/checkpoint`)
    t.ok(BigInt(checkpoint.split('\n')[1] ?? '') >= BigInt(entry?.inclusionProof?.treeSize ?? 0))
  }
})
