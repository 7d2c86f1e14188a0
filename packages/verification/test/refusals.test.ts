/** What must not verify, each for the reason that its sentence says; and what looks odd and is good. */
import { sign } from 'node:crypto'
import { createSigner, toBase64 } from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import { extendedKeyUsageOid } from '@sigstack/x509'
import t from 'tap'
import { artifactOfBytes } from '../src/artifact.ts'
import { readBundle } from '../src/read-bundle.ts'
import { type VerifyOptions, verifyBundle } from '../src/verify-bundle.ts'
import {
  always,
  around,
  artifact,
  issue,
  logEntry,
  makeLog,
  makeWorkshop,
  minutes,
  signedAt,
  timestamp,
} from './bundle-workshop.ts'

const shop = makeWorkshop()
const { leaf, log, root, intermediate, tsa, tsaRoot } = shop
const signature = shop.signWith(leaf)
const signed = { signature, verifier: leaf.der }
const stampBy = (by = tsa, issuer = tsaRoot, more: Partial<Parameters<typeof timestamp>[1]> = {}) =>
  timestamp(signature, { by, issuer, ...more })
const v1 = await logEntry(log, signed)
const v2 = await logEntry(log, signed, { version: 'v2' })
const good = shop.bundle(leaf, signature, [v1])
const goodV2 = shop.bundle(leaf, signature, [v2], [stampBy()])

function verify(
  bundle: unknown,
  trustedRoot: TrustedRoot = shop.trust(),
  more: Partial<VerifyOptions> = {},
): Promise<unknown> {
  return Promise.resolve().then(() =>
    verifyBundle({
      bundle: readBundle(typeof bundle === 'string' ? bundle : JSON.stringify(bundle)),
      artifact: artifactOfBytes(artifact),
      trustedRoot,
      signer: {},
      ignoreSct: true,
      ...more,
    }),
  )
}

const refused = (message: RegExp) => ({ name: 'VerificationError', message })

/** `bundle` with another value at `path`; undefined takes the member away. */
function changed(bundle: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy: unknown = structuredClone(bundle)
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1).reduce<unknown>((at, name) => Reflect.get(at as object, name), copy)
  if (value === undefined) Reflect.deleteProperty(parent as object, last)
  else Reflect.set(parent as object, last, value)
  return copy
}
const entry = ['verificationMaterial', 'tlogEntries', 0] as const

t.test('the workshop makes bundles that verify', async (t) => {
  await t.resolves(verify(good))
  await t.resolves(verify(goodV2))
  await t.resolves(verify(shop.bundle(leaf, signature, [v1], [stampBy()])))
  await t.resolves(verify(goodV2, shop.trust(), { requireSignedTimestamp: true }))
})

t.test('only the known versions of bundles are read', async (t) => {
  const bundle = 'application/vnd.dev.sigstore.bundle'
  for (const mediaType of [
    `${bundle}.v9.9+json`,
    `${bundle}.v1.0+json`,
    `${bundle}.v0.4+json`,
    `${bundle}.v0.0+json`,
    `${bundle}.v0.3+jsonX`,
    `${bundle}.v0.3+json;version=0.3`,
    `${bundle}+json;version=0.9`,
    `${bundle}+json;version=1.0`,
    `${bundle}+json`,
    ` ${bundle}.v0.3+json`,
    '__proto__',
    '',
    7,
    undefined,
  ])
    await t.rejects(
      verify(changed(good, ['mediaType'], mediaType)),
      { code: 'bad_bundle' },
      JSON.stringify(mediaType),
    )
  await t.resolves(verify(changed(good, ['mediaType'], `${bundle}+json;version=0.3`)))
})

t.test('an entry of Rekor v2 has one index and no time', async (t) => {
  for (const value of ['-1', 'abc', '1e3', '0x10', '', '00', ' 0', '12345678901234567890', -1, 0.5])
    await t.rejects(
      verify(changed(goodV2, [...entry, 'logIndex'], value)),
      { code: 'bad_bundle', message: /logIndex must be a decimal/ },
      JSON.stringify(value),
    )
  await t.rejects(
    verify(changed(goodV2, [...entry, 'logIndex'], '1')),
    refused(/log index of the entry is 1/),
  )
  for (const value of [null, undefined])
    await t.resolves(verify(changed(goodV2, [...entry, 'logIndex'], value)), 'ProtoJSON leaves a zero out')
  await t.rejects(verify(changed(goodV2, [...entry, 'integratedTime'], '-5')), { code: 'bad_bundle' })
  await t.rejects(verify(changed(goodV2, [...entry, 'integratedTime'], '5')), refused(/no integrated time/))
  const promise = { signedEntryTimestamp: 'AAAA' }
  await t.rejects(verify(changed(goodV2, [...entry, 'inclusionPromise'], promise)), refused(/no promise/))
})

t.test('the key of a log counts only while it was trusted, as far as a time is known', async (t) => {
  const past = { start: minutes(-1000), end: minutes(-10) }
  const future = { start: minutes(10), end: minutes(1000) }
  for (const period of [past, future]) {
    const trust = shop.trust({ tlogs: [shop.trustedLog(log, period)] })
    await t.rejects(verify(good, trust), refused(/when the key of its log was not trusted/))
    await t.rejects(verify(goodV2, trust), refused(/was not trusted at the time/))
    await t.resolves(verify(good, { ...trust, tlogs: [...trust.tlogs, shop.trustedLog(log, around)] }))
  }
  const toTheSecond = { start: signedAt, end: signedAt }
  await t.resolves(verify(good, shop.trust({ tlogs: [shop.trustedLog(log, toTheSecond)] })))
})

t.test('stamps of authorities that are not listed are passed over, and count for nothing', async (t) => {
  const strange = issue({ name: 'strange', issuer: tsaRoot, usage: extendedKeyUsageOid.timeStamping })
  const unlisted = stampBy(strange)
  const ofAnother = timestamp(Buffer.from('another'), { by: tsa, issuer: tsaRoot })
  const garbage = Buffer.from('garbage')
  for (const stamps of [[unlisted], [garbage], [stampBy(), stampBy()], [ofAnother], [stampBy(), unlisted]])
    await t.resolves(verify(shop.bundle(leaf, signature, [v1], stamps)))
  const reasons: readonly (readonly [Uint8Array, RegExp])[] = [
    [unlisted, /authority that the trusted root does not list/],
    [ofAnother, /of another signature/],
    [garbage, /timestamp is malformed/],
    [stampBy(tsa, tsaRoot, { status: 1 }), /was not granted/],
  ]
  for (const [stamp, reason] of reasons) {
    await t.rejects(verify(shop.bundle(leaf, signature, [v2], [stamp])), refused(reason))
    const demanding = verify(shop.bundle(leaf, signature, [v1], [stamp]), shop.trust(), {
      requireSignedTimestamp: true,
    })
    await t.rejects(demanding, refused(reason))
  }
  await t.rejects(verify(shop.bundle(leaf, signature, [v2])), refused(/vouches for a time/))
})

t.test('a stamp is by the certificate that its signer names, and that one is the trusted one', async (t) => {
  // Certificates of others first, of the same names and serial number too: none of them counts.
  const forged = issue({ name: 'tsa', issuer: root, usage: extendedKeyUsageOid.timeStamping })
  await t.resolves(
    verify(
      shop.bundle(leaf, signature, [v2], [stampBy(tsa, tsaRoot, { certificates: [forged.der, tsa.der] })]),
    ),
  )
  const byForged = stampBy(forged, root, { certificates: [tsa.der, forged.der] })
  await t.rejects(verify(shop.bundle(leaf, signature, [v2], [byForged])), refused(/does not list/))
  const flipped = Buffer.from(tsa.der)
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  const withFlipped = stampBy(tsa, tsaRoot, { certificates: [flipped] })
  await t.rejects(verify(shop.bundle(leaf, signature, [v2], [withFlipped])), refused(/another certificate/))

  const any = issue({ name: 'tsa', issuer: tsaRoot })
  const both = shop.trust({ timestampAuthorities: [shop.authority([any, tsaRoot])] })
  await t.rejects(
    verify(shop.bundle(leaf, signature, [v2], [stampBy(any)]), both),
    refused(/not for timestamps alone/),
  )
})

t.test(
  'the window of an authority is its own: a retired one does not stamp by that of another',
  async (t) => {
    const next = issue({ name: 'tsa 2', issuer: tsaRoot, usage: extendedKeyUsageOid.timeStamping })
    const trust = shop.trust({
      timestampAuthorities: [
        shop.authority([tsa, tsaRoot], { start: minutes(-1000), end: minutes(-10) }),
        shop.authority([next, tsaRoot]),
      ],
    })
    await t.rejects(verify(goodV2, trust), refused(/at which its authority was not trusted/))
    await t.resolves(verify(shop.bundle(leaf, signature, [v2], [stampBy(next)]), trust))
  },
)

t.test(
  'every certificate of the chain is valid at every time, and the trusted root says what ends it',
  async (t) => {
    const ended = issue({
      name: 'ended',
      issuer: root,
      isCa: true,
      period: { start: always.start, end: minutes(-1) },
    })
    const below = issue({
      name: 'leaf',
      issuer: ended,
      period: around,
      usage: extendedKeyUsageOid.codeSigning,
      email: 'a@example.org',
    })
    const own = shop.signWith(below)
    const entryOf = await logEntry(log, { signature: own, verifier: below.der })
    const chain = shop.trust({ certificateAuthorities: [shop.authority([ended, root])] })
    await t.rejects(
      verify(shop.bundle(below, own, [entryOf]), chain),
      refused(/certificate 2 of the chain is valid/),
    )

    const alone = shop.trust({ certificateAuthorities: [shop.authority([intermediate])] })
    await t.resolves(verify(good, alone), 'an intermediate alone')
    const twice = shop.trust({
      certificateAuthorities: [shop.authority([ended, root]), shop.authority([intermediate, root])],
    })
    await t.resolves(verify(good, twice))
    const other = shop.trust({ certificateAuthorities: [shop.authority([tsaRoot])] })
    await t.rejects(verify(good, other), refused(/authority that the trusted root does not list/))
    await t.rejects(
      verify(good, shop.trust({ certificateAuthorities: [] })),
      refused(/lists no certificate auth/),
    )
    const later = shop.trust({
      certificateAuthorities: [shop.authority([intermediate, root], { start: minutes(1), end: always.end })],
    })
    await t.rejects(verify(good, later), refused(/no certificate authority for 2026-03-01/))

    const late = await logEntry(log, signed, { at: minutes(6) })
    await t.rejects(
      verify(shop.bundle(leaf, signature, [late])),
      refused(/certificate 1 of the chain is valid/),
    )
    const lateStamp = stampBy(tsa, tsaRoot, { at: minutes(6) })
    await t.rejects(
      verify(shop.bundle(leaf, signature, [v1], [lateStamp])),
      refused(/certificate 1 of the chain/),
    )
  },
)

t.test('what stands where the signer belongs is told by what it is', async (t) => {
  const rootSigned = sign('sha256', artifact, root.key)
  await t.rejects(verify(shop.bundle(root, rootSigned, [v1])), refused(/is a root/))
  await t.rejects(verify(shop.bundle(intermediate, rootSigned, [v1])), refused(/is an authority/))
  const chain = { certificates: [{ rawBytes: toBase64(leaf.der) }, { rawBytes: toBase64(root.der) }] }
  const withChain = changed(
    changed(good, ['verificationMaterial', 'certificate'], undefined),
    ['verificationMaterial', 'x509CertificateChain'],
    chain,
  )
  await t.rejects(verify(withChain), {
    code: 'bad_bundle',
    message: /version 0.3, which holds one certificate/,
  })
  const older = changed(withChain, ['mediaType'], 'application/vnd.dev.sigstore.bundle+json;version=0.2')
  await t.resolves(verify(older), 'older versions bring chains along, which are not believed')
  const many = { certificates: Array.from({ length: 10_000 }, () => ({ rawBytes: 'AAAA' })) }
  await t.rejects(verify(changed(older, ['verificationMaterial', 'x509CertificateChain'], many)), {
    code: 'bad_bundle',
    message: /more than 10 items/,
  })
  for (const member of ['certificate', 'publicKey'])
    await t.rejects(verify(changed(older, ['verificationMaterial', member], { hint: 'x' })), {
      code: 'bad_bundle',
      message: /must hold one of/,
    })
})

t.test('an entry is about this artifact, this signature and this certificate', async (t) => {
  const another = issue({ name: 'leaf', issuer: intermediate, period: around })
  const entries: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [await logEntry(log, { signature, verifier: another.der }), /another certificate or key/],
    [await logEntry(log, { signature: shop.signWith(leaf), verifier: leaf.der }), /another signature/],
    [await logEntry(log, { ...signed, digest: Buffer.alloc(32) }), /another artifact/],
  ]
  for (const [other, reason] of entries) {
    await t.rejects(verify(shop.bundle(leaf, signature, [other])), refused(reason))
    await t.rejects(verify(shop.bundle(leaf, signature, [v1, { ...other, logIndex: '9' }])), /./)
  }
  await t.rejects(
    verify(changed(good, [...entry, 'kindVersion', 'version'], '0.0.2')),
    refused(/promise|holds/),
  )
})

t.test('entries count once, and those of other logs not at all', async (t) => {
  const strange = await logEntry(makeLog('strange.example.org'), signed)
  await t.rejects(verify(shop.bundle(leaf, signature, [v1, v1])), refused(/same log entry twice/))
  await t.resolves(verify(shop.bundle(leaf, signature, [strange, v1])))
  await t.rejects(
    verify(shop.bundle(leaf, signature, [strange])),
    refused(/no entry of a log that the trusted/),
  )
  await t.rejects(verify(shop.bundle(leaf, signature, [])), {
    ...refused(/holds no log entry/),
    advice: /add --insecure-ignore-tlog/,
  })
  const broken = changed(good, [...entry, 'inclusionPromise', 'signedEntryTimestamp'], 'AAAA')
  await t.rejects(verify(broken), refused(/promise of the log \(SET\)/))
  await t.rejects(verify(changed(good, [...entry, 'integratedTime'], '0')), refused(/no integrated time/))
  await t.rejects(
    verify(changed(good, [...entry, 'logIndex'], '4712')),
    refused(/promise of the log \(SET\)/),
  )
})

t.test('what no promise covers of an entry is believed by nobody', async (t) => {
  const bare = changed(good, [...entry, 'inclusionPromise'], undefined)
  await t.rejects(verify(bare), refused(/nothing in the bundle vouches for a time/))
  const stamped = shop.bundle(
    leaf,
    signature,
    [changed(v1, ['inclusionPromise'], undefined) as object],
    [stampBy()],
  )
  const odd = changed(stamped, [...entry, 'logIndex'], '4242424242')
  t.notOk('logIndex' in ((await verify(odd)) as object), 'its index is told to nobody')
  t.match(await verify(good), { logIndex: 4711n })
  const late = String(always.end.getTime() / 1000 + 1)
  await t.rejects(
    verify(changed(stamped, [...entry, 'integratedTime'], late)),
    refused(/when the key of its log was not trusted/),
    'and a time that cannot be is not passed over',
  )
})

t.test(
  'a checkpoint is signed by the log, by no false line beside, and of the tree of the proof',
  async (t) => {
    const proof = [...entry, 'inclusionProof'] as const
    const note = String(Reflect.get((v1['inclusionProof'] as { checkpoint: object }).checkpoint, 'envelope'))
    const withNote = (text: string) => changed(good, [...proof, 'checkpoint', 'envelope'], text)
    const [line = ''] = note.split('\n').slice(-2)
    const bad = `${line.slice(0, -8)}AAAAAAA=`
    for (const text of [
      `${note}${bad}\n`,
      note.replace(line, `${bad}\n${line}`),
      `${note}\n`,
      note.slice(0, -1),
    ])
      await t.rejects(verify(withNote(text)), refused(/checkpoint of the log entry does not verify/))
    await t.resolves(verify(withNote(`${note}— witness.example.org AAAAAAAA\n`)))
    await t.rejects(verify(changed(good, [...proof, 'treeSize'], '2')), refused(/not in the log/))
    await t.rejects(
      verify(changed(good, [...proof, 'rootHash'], toBase64(Buffer.alloc(32)))),
      refused(/not in/),
    )
    // In Rekor v2 the name belongs to the log; in v1 it may be any.
    const renamed = (name: string) => ({ ...shop.trustedLog(log), baseUrl: `https://${name}` })
    await t.resolves(verify(good, shop.trust({ tlogs: [renamed('other.example.org')] })))
    await t.rejects(
      verify(goodV2, shop.trust({ tlogs: [renamed('other.example.org')] })),
      refused(/checkpoint/),
    )
  },
)

t.test('members have one spelling each, in either of the two that ProtoJSON has', async (t) => {
  const snake = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(snake)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value).map(([name, inner]) => [
              name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
              snake(inner),
            ]),
          )
        : value
  await t.resolves(verify(snake(good)))
  const text = JSON.stringify(good)
  await t.rejects(verify(text.replace('{"mediaType"', '{"mediaType":"x","mediaType"')), {
    code: 'bad_bundle',
  })
  await t.rejects(verify(text.replace('{"mediaType"', '{"media_type":"x","mediaType"')), {
    code: 'bad_bundle',
  })
  for (const junk of ['!', ' ', '\\t', '===='])
    await t.rejects(verify(text.replace('"canonicalizedBody":"', `"canonicalizedBody":"${junk}`)), {
      code: 'bad_bundle',
      message: /canonicalizedBody is not base64/,
    })
  await t.rejects(verify(text.replace('"logIndex":"4711"', '"logIndex":"04711"')), { code: 'bad_bundle' })
  const legacy = { base64Signature: toBase64(signature), cert: toBase64(leaf.der), rekorBundle: {} }
  await t.rejects(verify(legacy), { code: 'bad_bundle', message: /base64Signature is not a known member/ })
})

t.test('a key and a certificate do not stand in for each other', async (t) => {
  const { publicKey } = createSigner(leaf.key)
  await t.rejects(verify(good, shop.trust(), { signer: { key: publicKey } }), refused(/a key was given/))
  const keyed = changed(
    changed(good, ['verificationMaterial', 'certificate'], undefined),
    ['verificationMaterial', 'publicKey'],
    { hint: 'x' },
  )
  await t.rejects(verify(keyed), refused(/no identity to verify/))
  await t.rejects(
    verify(keyed, shop.trust(), { signer: { key: publicKey } }),
    refused(/another certificate or key/),
  )
})

t.test('whatever a certificate, stamp or body is, the refusal is a sentence of ours', async (t) => {
  const places = [
    ['verificationMaterial', 'certificate', 'rawBytes'],
    [...entry, 'canonicalizedBody'],
    [...entry, 'inclusionPromise', 'signedEntryTimestamp'],
    ['messageSignature', 'signature'],
  ]
  const values = [
    'AA==',
    'MAA=',
    toBase64(root.der),
    toBase64(Buffer.from('{"kind":"hashedrekord"}')),
    'bnVsbA==',
  ]
  for (const path of places)
    for (const value of values)
      await t.rejects(
        verify(changed(good, path, value)),
        { name: 'VerificationError', message: /^(?!.*(?:undefined|not a function|Cannot read)).+$/ },
        `${path.join('.')} ${value.slice(0, 20)}`,
      )
})
