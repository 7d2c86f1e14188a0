/** What signing asks of CA, log and timestamp authority, and what it makes of their answers. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSigner, encodePem, sha256Hex } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import t, { type Test } from 'tap'
import { requestCertificate } from '../src/services/certificate-authority.ts'
import { proposeEntry } from '../src/services/rekor-v1.ts'
import { createEntry } from '../src/services/rekor-v2.ts'
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

t.test('Rekor v2 is shown digests alone, of the hash that goes with the key', async (t) => {
  const proof = {
    logIndex: '7',
    treeSize: '8',
    rootHash: Buffer.alloc(32).toString('base64'),
    hashes: [],
    checkpoint: { envelope: 'note' },
  }
  const answer = {
    logIndex: '7',
    logId: { keyId: 'wP8=' },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: proof,
    canonicalizedBody: 'e30=',
  }
  const { url, lines, requests } = await serve(t, { status: 201, body: answer })
  const { publicKey } = createSigner(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
  const envelope = {
    type: 'envelope',
    payload: Buffer.from('{}'),
    payloadType: 'application/vnd.in-toto+json',
    signature: Buffer.of(1),
  } as const
  const create = (content: typeof envelope | typeof message, certificate?: Uint8Array) =>
    createEntry(`${url}/`, content, { publicKey, ...(certificate && { certificate }) }, requestBounded)
  t.match(await create(envelope, Buffer.from('leaf')), {
    logIndex: 7n,
    logId: Buffer.from('c0ff', 'hex'),
    kind: 'hashedrekord',
    version: '0.0.2',
    integratedTime: 0n,
    proof: { treeSize: 8n, checkpoint: 'note' },
  })
  await create({ ...message, algorithm: 'sha384', digest: Buffer.alloc(48) } as never)
  t.same(lines(), Array(2).fill('POST /api/v2/log/entries application/json'))
  const signed = Buffer.from('DSSEv1 28 application/vnd.in-toto+json 2 {}')
  const asked = requests.map(({ body }) => JSON.parse(String(body)).hashedRekordRequestV002)
  t.same(asked[0], {
    digest: createHash('sha384').update(signed).digest('base64'),
    signature: {
      content: 'AQ==',
      verifier: {
        x509Certificate: { rawBytes: Buffer.from('leaf').toString('base64') },
        keyDetails: 'PKIX_ECDSA_P384_SHA_384',
      },
    },
  })
  t.match(asked[1], {
    digest: Buffer.alloc(48).toString('base64'),
    signature: { verifier: { publicKey: { rawBytes: Buffer.from(publicKey.spki).toString('base64') } } },
  })
  await t.rejects(create(message), { message: /such a key over sha384 alone, not sha256/ })
  t.equal(requests.length, 2)
  const silly = await serve(t, { status: 201, body: { uuid: entry } })
  await t.rejects(createEntry(silly.url, envelope, { publicKey }, requestBounded), { message: /is no entry/ })
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
  const frozen = { status: 405, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'frozen.\n' }
  await t.rejects(propose((await serve(t, frozen)).url), { message: '(405) frozen.' })
})
