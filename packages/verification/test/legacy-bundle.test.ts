/** Signatures from before bundles: what of them counts, and at which time a certificate is judged. */
import { sign } from 'node:crypto'
import { toBase64, toHex } from '@sigstack/crypto'
import { type Sct, sctSignedData } from '@sigstack/ct'
import * as fc from 'fast-check'
import t from 'tap'
import {
  artifactOfBytes,
  type Bundle,
  bundleOfParts,
  isLegacyBundle,
  readBundle,
  readLegacyBundle,
  readRekorBundle,
  VerificationError,
  type VerifyOptions,
  verifyBundle,
} from '../src/index.ts'
import { artifact, issue, logEntry, makeLog, makeWorkshop, minutes, signedAt } from './bundle-workshop.ts'

const shop = makeWorkshop()
const { leaf, log } = shop
const signature = shop.signWith(leaf)
const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${toBase64(der)}\n-----END ${label}-----\n`
const signed = artifactOfBytes(artifact)

/** As cosign wrote it, with members changed. */
async function legacy(
  { by = leaf, entry = true, ...more }: { by?: typeof leaf; entry?: boolean; cert?: unknown } & object = {},
  of: Uint8Array = signature,
): Promise<string> {
  const v1 = (await logEntry(log, { signature: of, verifier: by.der })) as unknown as {
    logIndex: string
    integratedTime: string
    inclusionPromise: { signedEntryTimestamp: string }
    canonicalizedBody: string
  }
  const rekorBundle = {
    SignedEntryTimestamp: v1.inclusionPromise.signedEntryTimestamp,
    Payload: {
      body: v1.canonicalizedBody,
      integratedTime: Number(v1.integratedTime),
      logIndex: Number(v1.logIndex),
      logID: toHex(log.logId),
    },
  }
  return JSON.stringify({
    base64Signature: toBase64(signature),
    cert: Buffer.from(pem('CERTIFICATE', by.der)).toString('base64'),
    ...(entry && { rekorBundle }),
    ...more,
  })
}

function bundleIn(text: string): Bundle {
  const digest = signed.digests.sha256 ?? new Uint8Array()
  const parts = readLegacyBundle(text)
  return bundleOfParts(parts, { type: 'message', algorithm: 'sha256', digest, signature: parts.signature })
}

function verify(bundle: Bundle, more: Partial<VerifyOptions> = {}): Promise<unknown> {
  return verifyBundle({
    bundle,
    artifact: signed,
    trustedRoot: shop.trust(),
    signer: {},
    ignoreSct: true,
    ...more,
  })
}

const refused = (message: RegExp) => ({ name: 'VerificationError', message })

t.test('an old bundle verifies by the promise of its log', async (t) => {
  const text = await legacy()
  t.ok(isLegacyBundle(text))
  t.match(await verify(bundleIn(text)), { identity: { subject: /@/ } })
  t.notOk(isLegacyBundle(JSON.stringify(shop.bundle(leaf, signature, []))))
  t.notOk(isLegacyBundle('no JSON'))
})

t.test('an entry of something else, or none, verifies nothing', async (t) => {
  const other = shop.signWith(leaf)
  await t.rejects(verify(bundleIn(await legacy({}, other))), refused(/made for another signature/))
  await t.rejects(verify(bundleIn(await legacy({ entry: false }))), refused(/holds no log entry$/))
  const text = await legacy()
  const later = text.replace(
    /"integratedTime":(\d+)/,
    (_, seconds) => `"integratedTime":${Number(seconds) + 1}`,
  )
  await t.rejects(verify(bundleIn(later)), refused(/promise of the log \(SET\) does not verify$/))
})

t.test('a certificate is one: a key in its place is never taken', async (t) => {
  const spki = pem('PUBLIC KEY', Buffer.from('key'))
  for (const cert of [Buffer.from(spki).toString('base64'), 'AAAA', '!', 7, [], {}])
    t.throws(() => readLegacyBundle(JSON.stringify({ base64Signature: 'AA==', cert })), {
      code: 'bad_bundle',
    })
  t.same(readLegacyBundle('{"base64Signature":"AA==","cert":""}'), { signature: Buffer.of(0) })
})

t.test('whatever is no old bundle is refused as one', async (t) => {
  for (const text of [
    '',
    '[]',
    '{}',
    '{"base64Signature":""}',
    '{"base64Signature":"AA==","rekorBundle":{}}',
  ])
    t.throws(() => readLegacyBundle(text), { name: 'VerificationError', code: 'bad_bundle' }, text)
  const good = JSON.parse(await legacy()) as { rekorBundle: { Payload: object } }
  t.equal(readRekorBundle(JSON.stringify(good.rekorBundle)).kind, 'hashedrekord')
  for (const logIndex of [-1, 1.5, 2 ** 60, '1', null]) {
    const Payload = { ...good.rekorBundle.Payload, logIndex }
    t.throws(() => readRekorBundle(JSON.stringify({ ...good.rekorBundle, Payload })), { code: 'bad_bundle' })
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        readLegacyBundle(text)
        return false
      } catch (error) {
        return error instanceof VerificationError
      }
    }),
    { seed: 7 },
  )
})

t.test(
  'where nobody vouches for a time, a certificate must be valid now, and only if no log has to',
  async (t) => {
    const bundle = readBundle(JSON.stringify(shop.bundle(leaf, signature, [])))
    const now = signedAt
    await t.resolves(verify(bundle, { ignoreTlog: true, now }))
    await t.rejects(verify(bundle, { ignoreTlog: true }), refused(/nothing in the bundle vouches for a time/))
    await t.rejects(verify(bundle, { now }), refused(/holds no log entry$/))
    await t.rejects(
      verify(bundle, { ignoreTlog: true, now, requireSignedTimestamp: true }),
      refused(/no signed timestamp/),
    )
    const late = { ignoreTlog: true, now: new Date('2050-01-01T00:00:00Z') }
    await t.rejects(verify(bundle, late), refused(/./))
    const short = issue({
      name: 'short',
      issuer: shop.intermediate,
      period: { start: minutes(-5), end: minutes(5) },
      email: 'a@example.org',
      usage: '1.3.6.1.5.5.7.3.3',
    })
    const brief = readBundle(JSON.stringify(shop.bundle(short, shop.signWith(short), [])))
    await t.resolves(verify(brief, { ignoreTlog: true, now }))
    await t.rejects(verify(brief, { ignoreTlog: true, now: minutes(6) }), refused(/./))
    // A stamp that does not count is no reason to believe the clock instead.
    const stamped = readBundle(JSON.stringify(shop.bundle(leaf, signature, [], [Buffer.of(1, 2)])))
    await t.rejects(verify(stamped, { ignoreTlog: true, now }), refused(/timestamp/))
  },
)

t.test('a promise of a CT log beside a certificate counts as one in it', async (t) => {
  const ctLog = makeLog('ct.example.org')
  const none = new Uint8Array()
  const promise = (at: Date, by = ctLog, of = leaf.der): Sct => {
    const entry = {
      timestampMs: at.getTime(),
      entry: { type: 'x509', certificate: of },
      extensions: none,
    } as const
    const signature = sign('sha256', sctSignedData(entry), by.key)
    return {
      logId: ctLog.logId,
      timestampMs: at.getTime(),
      extensions: none,
      signature: { algorithm: 'ecdsa', signature },
    }
  }
  const ctlogs = [shop.trustedLog(ctLog)]
  const bundle = bundleIn(await legacy())
  const judge = (sct?: Sct) =>
    verify(bundle, {
      trustedRoot: shop.trust({ ctlogs }),
      ignoreSct: false,
      ...(sct !== undefined && { sct }),
    })
  await t.resolves(judge(promise(signedAt)))
  await t.rejects(judge(), refused(/holds no promise of a CT log/))
  await t.rejects(judge(promise(signedAt, makeLog())), refused(/SCT\) does not verify/))
  await t.rejects(judge(promise(signedAt, ctLog, shop.intermediate.der)), refused(/SCT\) does not verify/))
  await t.rejects(judge(promise(new Date('2041-01-01T00:00:00Z'))), refused(/the log was not trusted/))
  await t.rejects(
    judge({ ...promise(signedAt), logId: log.logId }),
    refused(/by a log that the trusted root does not list/),
  )
})
