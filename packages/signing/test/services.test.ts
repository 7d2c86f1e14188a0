/** What signing asks of CA, log and timestamp authority, and what it makes of their answers. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodePem, sha256Hex } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import t, { type Test } from 'tap'
import { requestCertificate } from '../src/services/certificate-authority.ts'
import { proposeEntry } from '../src/services/rekor-v1.ts'
import { requestTimestamp } from '../src/services/timestamp-authority.ts'

type Reply = {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}
type Asked = { readonly line: string; readonly type: string | undefined; readonly body: Buffer }

/** Answers with the replies in turn, and again with the last. */
async function serve(t: Test, ...replies: readonly Reply[]) {
  const requests: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const reply = replies[Math.min(requests.length, replies.length - 1)]
        requests.push({
          line: `${request.method} ${request.url} ${request.headers.accept}`,
          type: request.headers['content-type'],
          body: Buffer.concat(chunks),
        })
        response
          .writeHead(reply?.status ?? 500, reply?.headers)
          .end(typeof reply?.body === 'string' ? reply.body : JSON.stringify(reply?.body ?? {}))
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return {
    requests,
    lines: () => requests.map(({ line }) => line),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }
}

const leafPem = encodePem('CERTIFICATE', Buffer.from('leaf'))
const chainPem = [leafPem, encodePem('CERTIFICATE', Buffer.from('root'))]
const certificateRequest = { identityToken: 'token', publicKeyPem: 'pem', proofOfPossession: Buffer.of(1) }
const message = {
  type: 'message',
  algorithm: 'sha256',
  digest: Buffer.alloc(32),
  signature: Buffer.of(1),
} as const
const propose = (url: string) => proposeEntry(url, message, 'pem', requestBounded)
const certify = (url: string) => requestCertificate(url, certificateRequest, requestBounded)
const entry = {
  logID: 'c0ff',
  logIndex: 7,
  integratedTime: 1_700_000_000,
  body: Buffer.from('{"kind":"hashedrekord","apiVersion":"0.0.1"}').toString('base64'),
  verification: {
    signedEntryTimestamp: 'AQ==',
    inclusionProof: { logIndex: 7, treeSize: 8, rootHash: '00', hashes: ['01', '02'], checkpoint: 'note' },
  },
}

t.test('the first certificate of the chain is the one, and those above it are kept', async (t) => {
  const answer = { chain: { certificates: chainPem } }
  for (const name of ['signedCertificateEmbeddedSct', 'signedCertificateDetachedSct']) {
    const { url, lines } = await serve(t, { status: 200, body: { [name]: answer } })
    t.same(await certify(`${url}/`), { leaf: Buffer.from('leaf'), issuers: [Buffer.from('root')] })
    t.same(lines(), ['POST /api/v2/signingCert application/json'])
  }
})

t.test('an entry becomes part of a bundle, also one that the log holds already', async (t) => {
  const { url, lines, requests } = await serve(
    t,
    { status: 409, headers: { location: '/api/v1/log/entries/abc' }, body: { message: 'it is there' } },
    { status: 200, body: { abc: entry } },
  )
  t.match(await propose(url), {
    logIndex: 7n,
    logId: Buffer.from('c0ff', 'hex'),
    integratedTime: 1_700_000_000n,
    kind: 'hashedrekord',
    version: '0.0.1',
    promise: Buffer.of(1),
    proof: { logIndex: 7n, treeSize: 8n, checkpoint: 'note' },
  })
  t.same(lines(), [
    'POST /api/v1/log/entries application/json',
    'GET /api/v1/log/entries/abc application/json',
  ])
  t.same(JSON.parse(String(requests[0]?.body)), {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: '00'.repeat(32) } },
      signature: { content: 'AQ==', publicKey: { content: 'cGVt' } },
    },
  })
})

t.test('an envelope is proposed as it lies in the bundle', async (t) => {
  const { url, requests } = await serve(t, { status: 201, body: { abc: entry } })
  const envelope = {
    type: 'envelope',
    payload: Buffer.from('{}'),
    payloadType: 'application/vnd.in-toto+json',
    signature: Buffer.of(1),
  } as const
  await proposeEntry(url, envelope, 'pem', requestBounded)
  t.same(JSON.parse(String(requests[0]?.body)), {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      proposedContent: {
        envelope:
          '{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AQ=="}]}',
        verifiers: ['cGVt'],
      },
    },
  })
})

t.test('a timestamp is asked for in DER, at the whole URL where one is given', async (t) => {
  const { url, lines, requests } = await serve(t, { status: 201, body: 'DER' })
  t.same(await requestTimestamp(url, Buffer.of(1), requestBounded), Buffer.from('DER'))
  await requestTimestamp(`${url}/tsa/v2`, Buffer.of(1), requestBounded)
  t.same(lines(), [
    'POST /api/v1/timestamp application/timestamp-reply',
    'POST /tsa/v2 application/timestamp-reply',
  ])
  t.equal(requests[0]?.type, 'application/timestamp-query')
  // As `openssl ts -query -sha256 -no_nonce` writes it.
  t.equal(
    requests[0]?.body.toString('hex'),
    `30360201013031300d060960864801650304020105000420${sha256Hex(Buffer.of(1))}`,
  )
})

t.test('a service that is busy is asked once more, and one that refuses is not', async (t) => {
  const good = { status: 200, body: { signedCertificateEmbeddedSct: { chain: { certificates: [leafPem] } } } }
  for (const status of [408, 429, 500, 503]) {
    const { url, requests } = await serve(t, { status }, good)
    t.same((await certify(url)).leaf, Buffer.from('leaf'), String(status))
    t.equal(requests.length, 2)
  }
  const refusal = await serve(t, { status: 403, body: { code: 7, message: 'not you' } })
  await t.rejects(certify(refusal.url), {
    message: '(403) not you',
    status: 403,
  })
  t.equal(refusal.requests.length, 1)
})

t.test('answers of another shape are told as such', async (t) => {
  const answers = async (body: unknown, status = 200) => (await serve(t, { status, body })).url
  const cases: readonly [unknown, RegExp][] = [
    ['<html>', /^it answers with something that is no JSON$/],
    [[], /without body$/],
    [{}, /without body$/],
    [{ a: entry, b: entry }, /^it answers with several entries$/],
    [{ a: { ...entry, body: 'bm9uZQ==' } }, /^it answers with something that is no entry$/],
    [{ a: { ...entry, logIndex: '7' } }, /without logIndex$/],
    [{ a: { ...entry, verification: { inclusionProof: {} } } }, /without logIndex$/],
  ]
  for (const [body, message] of cases)
    await t.rejects(propose(await answers(body)), { name: 'ServiceError', message }, String(message))
  for (const body of [{}, [], 7, { signedCertificateEmbeddedSct: { chain: { certificates: ['no PEM'] } } }])
    await t.rejects(certify(await answers(body)), {
      message: 'it answers without a certificate',
    })
  await t.rejects(certify(await answers('<html>', 404)), {
    message: '(404) no further reason is given',
  })
})
