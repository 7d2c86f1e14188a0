import { Readable } from 'node:stream'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import {
  bodyText,
  decodeContent,
  HttpError,
  isCertificateTrouble,
  networkReason,
  readBounded,
} from '../src/index.ts'

fc.configureGlobal({ seed: 1 })

t.test('a body is read up to its limit and not beyond', async (t) => {
  let given = 0
  async function* endless() {
    for (;;) {
      given++
      yield Buffer.alloc(10)
    }
  }
  await t.rejects(readBounded(endless(), 25), { name: 'HttpError', code: 'too_large' })
  t.equal(given, 3)
  t.same(await readBounded(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 3), Buffer.from('abc'))
  t.same(await readBounded(null, 0), Buffer.alloc(0))
})

t.test('text is read by its mark, else its charset, else as UTF-8', async (t) => {
  const json = '{"ä":1}'
  const utf16 = Buffer.from(`\ufeff${json}`, 'utf16le')
  t.equal(bodyText(Buffer.from(json)), json)
  t.equal(bodyText(Buffer.from(`\ufeff${json}`), 'application/json; charset=iso-8859-1'), json)
  t.equal(bodyText(utf16), json)
  t.equal(bodyText(Buffer.from(utf16).swap16()), json)
  t.equal(bodyText(Buffer.from(json, 'latin1'), 'application/json; charset="ISO-8859-1"'), json)
  t.equal(bodyText(Buffer.from(json), 'application/json; x=y; charset=nonsense'), json)
  t.equal(bodyText(Buffer.from('a\xe9b', 'latin1')), 'a\ufffdb')
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, type) => typeof bodyText(bytes, type) === 'string'),
  )
})

t.test('content codings are undone in their order, and unknown ones refused', async (t) => {
  const plain = Buffer.from('plain')
  const decoded = (body: Uint8Array, coding: string | string[] | undefined) =>
    readBounded(decodeContent(Readable.from([body]), coding), 100)
  for (const [coding, body] of [
    [undefined, plain],
    ['', plain],
    ['identity', plain],
    ['GZIP', gzipSync(plain)],
    ['x-gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['gzip, br', brotliCompressSync(gzipSync(plain))],
    [['gzip', 'br'], brotliCompressSync(gzipSync(plain))],
  ] as const)
    t.same(await decoded(body, coding as string), plain, String(coding))
  for (const coding of ['compress', 'constructor', 'gzip,gzip,gzip'])
    t.throws(() => decodeContent(Readable.from([plain]), coding), HttpError, coding)
  await t.rejects(decoded(plain, 'gzip'), { code: 'Z_DATA_ERROR' })
})

t.test('the reason of a failed connection is the code of the system, wherever it is', async (t) => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const wrapped = Object.assign(new Error('socket', { cause: refused }), { code: 'UND_ERR_SOCKET' })
  t.equal(networkReason(new TypeError('fetch failed', { cause: wrapped })), 'ECONNREFUSED')
  t.equal(
    networkReason(new TypeError('fetch failed', { cause: new Error('other side closed') })),
    'other side closed',
  )
  t.equal(networkReason('nothing'), 'unknown reason')
  const withCode = (code: string) =>
    new HttpError('unreachable', code, { cause: Object.assign(new Error('x'), { code }) })
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])
    t.ok(isCertificateTrouble(withCode(code)), code)
  for (const code of ['ECONNREFUSED', 'EPROTO', 'ENOTFOUND'])
    t.notOk(isCertificateTrouble(withCode(code)), code)
})
