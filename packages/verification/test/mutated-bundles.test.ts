/**
 * Bundles that verify, with one thing in them changed: each member taken away, emptied, given another type, lists doubled, cut and turned,
 * numbers moved, single bits of bytes turned. None of them verifies, but for the changes that are named here with why they may.
 */
import t from 'tap'
import { type Artifact, artifactOfBytes, parseDigest } from '../src/artifact.ts'
import { VerificationError } from '../src/errors.ts'
import { type BundleCase, bundleCases, readVector, verifyCase } from '../src/testing.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
/** Names of members and positions in lists, from the outside in. */
type Place = readonly string[]
/** `value` undefined: what was there is gone. */
type Change = { readonly name: string; readonly value: Json | undefined }

/** What a verifier does not read, or reads as a second witness to what another has shown. */
const harmless: readonly { readonly why: string; readonly change: RegExp }[] = [
  {
    why: 'whoever verifies by a key has named it: the hint is for those who look for one',
    change: /^verificationMaterial\.publicKey(?:\.hint)? /,
  },
  {
    why: 'the key that verifies is known, and the signature does not cover the name that the envelope has for it',
    change: /^dsseEnvelope\.signatures\.0\.keyid (?:missing|null|empty|a text|cut)$/,
  },
  {
    why: 'chains end at the trusted root, so of those in old bundles the leaf alone counts',
    change: /^verificationMaterial\.x509CertificateChain\.certificates(?:\.[1-9]\S*)? /,
  },
  {
    why: 'bundles of version 0.1 have the promise of the log, and need no proof',
    change:
      /^verificationMaterial\.tlogEntries\.0\.inclusionProof(?:\.checkpoint(?:\.envelope)?)? (?:missing|null|an object)$/,
  },
  {
    why: 'beside a proof and a time of the certificate the promise is one witness more',
    change: /^verificationMaterial\.tlogEntries\.0\.inclusionPromise (?:missing|null)$/,
  },
  {
    why: 'where the log vouches for a time, or a key is trusted for ever, a stamp is one witness more',
    change:
      /^verificationMaterial\.timestampVerificationData(?:\.rfc3161Timestamps)? (?:missing|null|an object)$/,
  },
  {
    why: 'authorities are counted and not their stamps',
    change: /^verificationMaterial\.timestampVerificationData\.rfc3161Timestamps doubled$/,
  },
]

const used = new Set<string>()

for (const c of bundleCases().filter(({ expect }) => expect === 'pass'))
  t.test(`${c.id}: no change but a harmless one is overlooked`, async (t) => {
    const document: Json = JSON.parse(readVector(c.bundle).toString())
    const artifact = artifactOf(c)
    const overlooked: string[] = []
    let refused = 0
    for (const place of placesIn(document))
      for (const { name, value } of changesOf(valueAt(document, place))) {
        const change = `${place.join('.')} ${name}`
        try {
          await verifyCase(c, artifact, JSON.stringify(changed(document, place, value)))
          const known = harmless.find((each) => each.change.test(change))
          if (known === undefined) overlooked.push(change)
          else used.add(known.why)
        } catch (error) {
          if (!(error instanceof VerificationError)) throw error
          refused += 1
        }
      }
    t.same(overlooked, [])
    t.ok(refused > 100, `${refused} were refused`)
  })

t.test('nothing is called harmless that is refused everywhere', async (t) => {
  t.same(
    harmless.filter(({ why }) => !used.has(why)),
    [],
  )
})

function artifactOf({ artifact, artifactDigest = '' }: BundleCase): Artifact {
  if (artifact !== undefined) return artifactOfBytes(readVector(artifact))
  const digest = parseDigest(artifactDigest)
  if (typeof digest === 'object') return digest
  throw new Error('the case has no artifact')
}

function membersOf(value: Json): readonly (readonly [string, Json])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function placesIn(value: Json, around: Place = []): readonly Place[] {
  return membersOf(value).flatMap(([name, inner]) => {
    const place = [...around, name]
    return [place, ...placesIn(inner, place)]
  })
}

function valueAt(value: Json, place: Place): Json {
  return place.reduce((inner, name) => new Map(membersOf(inner)).get(name) ?? null, value)
}

function changed(value: Json, [name, ...rest]: Place, by: Json | undefined): Json | undefined {
  if (name === undefined) return by
  const members = membersOf(value).flatMap(([each, inner]) => {
    const kept = each === name ? changed(inner, rest, by) : inner
    return kept === undefined ? [] : [[each, kept] as const]
  })
  return Array.isArray(value) ? members.map(([, inner]) => inner) : Object.fromEntries(members)
}

function changesOf(value: Json): readonly Change[] {
  const changes: readonly Change[] = [
    { name: 'missing', value: undefined },
    { name: 'null', value: null },
    { name: 'empty', value: '' },
    { name: 'a text', value: 'x' },
    { name: 'a number', value: 7 },
    { name: 'a list', value: [] },
    { name: 'an object', value: {} },
    ...(typeof value === 'string' ? changesOfText(value) : changesInside(value)),
  ]
  return changes.filter((each) => JSON.stringify(each.value) !== JSON.stringify(value))
}

function changesInside(value: Json): readonly Change[] {
  if (Array.isArray(value))
    return [
      { name: 'doubled', value: [...value, ...value] },
      { name: 'cut', value: value.slice(0, -1) },
      { name: 'turned', value: value.toReversed() },
    ]
  const isObject = typeof value === 'object' && value !== null
  const more = Object.fromEntries([...membersOf(value), ['other', 1]])
  return isObject ? [{ name: 'one more member', value: more }] : []
}

function changesOfText(text: string): readonly Change[] {
  const bytes = Buffer.from(text, 'base64')
  const isBase64 = bytes.length > 0 && bytes.toString('base64') === text
  const turned = new Set([0, 5, bytes.length >> 1, bytes.length - 1])
  return [
    { name: 'cut', value: text.slice(0, -4) },
    ...(/^\d+$/.test(text)
      ? [
          { name: 'one more', value: String(BigInt(text) + 1n) },
          { name: 'negative', value: `-${text}` },
        ]
      : []),
    ...(isBase64 ? [...turned].filter((at) => at < bytes.length) : []).map((at) => ({
      name: `byte ${at} turned`,
      value: Buffer.from(bytes.map((byte, place) => (place === at ? byte ^ 1 : byte))).toString('base64'),
    })),
  ]
}
