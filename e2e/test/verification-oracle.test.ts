/** `@sigstore/verify` as the oracle of our own verification: what it refuses we refuse, and where we refuse more there is a reason. */
import { createPublicKey } from 'node:crypto'
import { equalBytes, memberAt } from '@sigstack/crypto'
import { type Artifact, artifactOfBytes, parseDigest } from '@sigstack/verification'
import { type BundleCase, bundleCases, readVector, verifyCase } from '@sigstack/verification/testing'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import t from 'tap'

const listed = bundleCases()

/** Why we refuse; undefined where we do not. */
async function ours(c: BundleCase, bundle: string): Promise<string | undefined> {
  try {
    await verifyCase(c, artifactOf(c), bundle)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function artifactOf({ artifact, artifactDigest = '' }: BundleCase): Artifact {
  if (artifact !== undefined) return artifactOfBytes(readVector(artifact))
  const parsed = parseDigest(artifactDigest)
  if (typeof parsed !== 'object') throw new Error(`${artifactDigest} is no digest`)
  return parsed
}

/** With no policy: what the library makes of a policy is another thing than ours, so the signer that it finds is judged here. */
function oracle(c: BundleCase, text: string): string | undefined {
  try {
    const bundle = bundleFromJSON(JSON.parse(text))
    const root = TrustedRoot.fromJSON(JSON.parse(readVector(c.trustedRoot).toString()))
    const key = c.key === undefined ? undefined : createPublicKey(readVector(c.key))
    const trust = toTrustMaterial(root, key && (() => ({ publicKey: key, validFor: () => true })))
    const isMessage = bundle.content.$case === 'messageSignature'
    const entity =
      isMessage && c.artifact !== undefined
        ? toSignedEntity(bundle, readVector(c.artifact))
        : toSignedEntity(bundle)
    const signer = new Verifier(trust, {
      tlogThreshold: c.ignoreTlog === true ? 0 : 1,
      ctlogThreshold: c.ignoreSCT === true ? 0 : 1,
    }).verify(entity)
    if ((key === undefined) !== (signer.identity !== undefined)) return 'signed by a key, or by a certificate'
    if (!matches(signer.identity?.subjectAlternativeName, c.identity, c.identityRegexp)) return 'identity'
    if (!matches(signer.identity?.extensions?.issuer, c.issuer, c.issuerRegexp)) return 'issuer'
    if (bundle.content.$case === 'dsseEnvelope')
      return aboutStatement(c, bundle.content.dsseEnvelope.payload.toString())
    const { messageDigest } = bundle.content.messageSignature
    return equalBytes(messageDigest.digest, artifactOf(c).digests.sha256 ?? new Uint8Array())
      ? undefined
      : 'digest'
  } catch (error) {
    return (error as Error).message
  }
}

function matches(found: string | undefined, value: string | undefined, pattern: string | undefined): boolean {
  if (value !== undefined) return found === value
  return pattern === undefined || new RegExp(pattern).test(found ?? '')
}

function aboutStatement(c: BundleCase, payload: string): string | undefined {
  const statement: unknown = JSON.parse(payload)
  const subjects = memberAt(statement, 'subject')
  const { digests } = artifactOf(c)
  const isNamed =
    Array.isArray(subjects) &&
    subjects.some((subject) =>
      Object.entries(digests).some(
        ([algorithm, bytes]) => memberAt(subject, 'digest', algorithm) === Buffer.from(bytes).toString('hex'),
      ),
    )
  if (!isNamed) return 'subject'
  const type = memberAt(statement, 'predicateType')
  return c.predicateType === undefined || c.predicateType === type ? undefined : 'predicate type'
}

type Change = { readonly path: string; readonly what: string; readonly text: string }

/** One leaf after the other: taken away, and with another byte, letter or number. */
function changesOf(text: string): readonly Change[] {
  const leaves: (readonly (string | number)[])[] = []
  const walk = (value: unknown, path: readonly (string | number)[]): void => {
    if (typeof value !== 'object' || value === null) leaves.push(path)
    else for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name])
  }
  walk(JSON.parse(text), [])
  return leaves.flatMap((path) =>
    [undefined, ...othersOf(memberAt(JSON.parse(text), ...path))].map((value, at) => ({
      path: path.join('.').replaceAll(/\.\d+\b/g, '[]'),
      what: value === undefined ? 'left out' : `changed, ${at}`,
      text: withValue(text, path, value),
    })),
  )
}

function withValue(text: string, path: readonly (string | number)[], value: unknown): string {
  const copy: unknown = JSON.parse(text)
  const parent = memberAt(copy, ...path.slice(0, -1)) as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(copy)
}

function othersOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'string') return []
  if (/^\d+$/.test(value)) return [String(BigInt(value) + 1n)]
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length < 8 || bytes.toString('base64') !== value) return [`${value}x`]
  return [0, bytes.length >> 1].map((at) => {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    return changed.toString('base64')
  })
}

/** Where we refuse and the oracle does not: members that it does not read, or reads more loosely. */
const stricter: Readonly<Record<string, RegExp>> = {
  mediaType: /its version is not known/,
  'messageSignature.messageDigest.algorithm': /algorithm is missing/,
  // Its decoder takes other tags for a sequence.
  'verificationMaterial.certificate.rawBytes': /DER tag/,
  'verificationMaterial.x509CertificateChain.certificates[].rawBytes': /DER tag/,
  'verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp':
    /DER tag|another certificate than the trusted one/,
  // It takes root and size from the checkpoint alone, and does not compare them with what stands beside it.
  'verificationMaterial.tlogEntries[].inclusionProof.rootHash': /rootHash is missing|leads to another root/,
  'verificationMaterial.tlogEntries[].inclusionProof.treeSize': /is not in the log/,
  'verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope': /does not end with a line feed/,
  // Of an entry of Rekor v2, which no promise binds to its index.
  'verificationMaterial.tlogEntries[].logIndex': /log index of the entry/,
}

t.setTimeout(600_000)

t.test('every case has the answer of the oracle', async (t) => {
  for (const c of listed) {
    const text = readVector(c.bundle).toString()
    const answers = [await ours(c, text), oracle(c, text)]
    if (c.id === 'extra/san-othername') {
      // Signed under the name of a pod, which Rekor v1 may do for sigstore-go and for us.
      t.same(answers, [undefined, 'invalid checkpoint signature'])
      continue
    }
    t.equal(answers[0] === undefined, answers[1] === undefined, `${c.id}: ${answers.join(', ')}`)
  }
})

const examples = [
  'conformance/happy-path-v0.3-new-mediaType',
  'conformance/happy-path-intoto-in-dsse-v3',
  'conformance/managed-key-and-trusted-root',
  'conformance/rekor2-happy-path',
  'conformance/happy-path-v0.2',
]

t.test(
  'a changed bundle that the oracle refuses is refused, and what we refuse more is listed',
  async (t) => {
    const found = new Set<string>()
    for (const c of listed.filter(({ id }) => examples.includes(id))) {
      for (const { path, what, text } of changesOf(readVector(c.bundle).toString())) {
        const [mine, theirs] = [await ours(c, text), oracle(c, text)]
        if ((mine === undefined) === (theirs === undefined)) continue
        const name = `${c.id}: ${path} ${what}`
        const reason = stricter[path]
        if (mine === undefined || reason === undefined) t.fail(`${name}: ours ${mine}, the oracle ${theirs}`)
        else t.match(mine, reason, name)
        found.add(path)
      }
    }
    t.same(found, new Set(Object.keys(stricter)), 'what is listed is there')
  },
)

t.test('what the oracle cannot be asked is why the verification is ours', async (t) => {
  const c = listed.find(({ id }) => id === 'conformance/happy-path-v0.3-new-mediaType')
  if (c === undefined) throw new Error('the case is gone')
  const text = readVector(c.bundle).toString()
  const { artifact: _, ...byDigest } = c
  t.equal(await ours(byDigest, text), undefined)
  t.match(oracle(byDigest, text), /./, 'a digest without its file')

  const unknown = withValue(text, ['extra'], 1)
  t.match(await ours(c, unknown), /extra is not a known member/)
  t.equal(oracle(c, unknown), undefined, 'a member that nobody knows')

  const entries = ['verificationMaterial', 'tlogEntries']
  const own: unknown = memberAt(JSON.parse(text), ...entries, 0)
  const foreign = { ...Object(own), logId: { keyId: Buffer.alloc(32, 1).toString('base64') } }
  const two = withValue(text, entries, [own, foreign])
  t.equal(await ours(c, two), undefined, 'an entry of a log that nobody knows is passed over')
  t.match(oracle(c, two), /./)
})
