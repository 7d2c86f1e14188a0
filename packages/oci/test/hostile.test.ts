import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import {
  createRegistryClient,
  digestOf,
  encodeIndex,
  mediaTypes,
  type OciError,
  type RegistryOptions,
} from '../src/index.ts'
import { type FakeOptions, fail, startFakeRegistry } from './fake-registry.ts'
import { attachment, pushImage } from './images.ts'

const words = Buffer.from('some words')
const blob = { digest: digestOf(words), size: words.length }

function open(registry: string, options: RegistryOptions = {}) {
  const patience = { delay: () => Promise.resolve() }
  return createRegistryClient({ route: 'direct', patience, ...options }).repository({
    registry,
    repository: 'team/app',
  })
}

/** Answers GET of a blob with these pieces. */
function blobs(pieces: () => Iterable<Uint8Array>): FakeOptions {
  return {
    async intercept(request, response) {
      if (request.method !== 'GET' || !request.url?.includes('/blobs/')) return false
      await pipeline(pieces(), response).catch(() => undefined)
      return true
    },
  }
}

t.test('bytes that are not those of their digest do not pass', async (t) => {
  const wrong = await startFakeRegistry(
    t,
    blobs(() => [Buffer.from('SOME WORDS')]),
  )
  await t.rejects(open(wrong.host).readBlob(blob), {
    code: 'digest_mismatch',
    message: /is not what its digest says: it has sha256:/,
  })
  const short = await startFakeRegistry(
    t,
    blobs(() => [words.subarray(1)]),
  )
  await t.rejects(open(short.host).readBlob(blob), {
    code: 'digest_mismatch',
    message: /9 bytes in place of 10/,
  })

  const swapped = await startFakeRegistry(t)
  const image = await pushImage(open(swapped.host), 'good', 'v1')
  const other = await pushImage(open(swapped.host), 'other')
  const { bytes, type } = swapped.manifests.get(other.digest)!
  swapped.manifests.set(image.digest, { bytes, type })
  for (const target of ['v1', image.digest])
    await t.rejects(open(swapped.host).readManifest(target), { code: 'digest_mismatch' }, target)
})

t.test(
  'a manifest is checked against the digest that was asked for, whatever the registry says of it',
  async (t) => {
    const other = encodeIndex([])
    for (const headers of [{}, { 'docker-content-digest': digestOf(other) }]) {
      const fake = await startFakeRegistry(t, {
        intercept(_request, response) {
          response.writeHead(200, { 'content-type': mediaTypes.ociIndex, ...headers }).end(other)
          return true
        },
      })
      await t.rejects(open(fake.host).readManifest(blob.digest), { code: 'digest_mismatch' })
    }
  },
)

t.test('a registry that answers for another digest than the one asked for is not believed', async (t) => {
  const lying = await startFakeRegistry(t, {
    intercept(_request, response) {
      response.writeHead(200, {
        'content-type': mediaTypes.ociManifest,
        'content-length': '100',
        'docker-content-digest': digestOf(words),
      })
      response.end()
      return true
    },
  })
  await t.rejects(open(lying.host).resolve(digestOf(Buffer.from('other'))), { code: 'digest_mismatch' })
})

t.test('a tag whose HEAD says too little is read whole', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'HEAD') return false
      response.writeHead(200, { 'content-type': 'text/plain' }).end()
      return true
    },
  })
  const image = await pushImage(open(fake.host), 'small', 'v1')
  t.same(await open(fake.host).resolve('v1'), image)
})

t.test('what has no end is read to its bound and no further', async (t) => {
  let pieces = 0
  function* endless() {
    for (;;) {
      pieces++
      yield Buffer.alloc(64 * 1024)
    }
  }
  const fake = await startFakeRegistry(t, blobs(endless))
  await t.rejects(open(fake.host).readBlob(blob), {
    code: 'digest_mismatch',
    message: /more than the 10 bytes/,
  })
  await t.rejects(open(fake.host).readBlob({ digest: blob.digest }, 1 << 20), {
    code: 'too_large',
    message: /more than 1048576 bytes/,
  })
  t.ok(pieces < 1000)
  const manifests = await startFakeRegistry(t, {
    intercept: (_request, response) => {
      response.writeHead(200, { 'content-type': mediaTypes.ociManifest }).end(Buffer.alloc(5 << 20, 0x20))
      return true
    },
  })
  await t.rejects(open(manifests.host).readManifest('v1'), { code: 'too_large', message: /4194304 bytes/ })
  await t.rejects(open(manifests.host).listReferrers(blob.digest), { code: 'too_large' })
})

/** A page of nothing, and a link to the next. */
function pages(response: ServerResponse, link: string): true {
  response.writeHead(200, { 'content-type': mediaTypes.ociIndex, link: `<${link}>; rel="next"` })
  response.end('{"schemaVersion":2,"manifests":[],"tags":[]}')
  return true
}

t.test('lists without end, in a circle or on another host are left', async (t) => {
  let page = 0
  const endless = await startFakeRegistry(t, {
    intercept: (_request, response) => pages(response, `/v2/x?page=${++page}`),
  })
  const circle = await startFakeRegistry(t, {
    intercept: (_request, response) => pages(response, '/v2/x?page=1'),
  })
  const tags = async (host: string): Promise<void> => {
    for await (const _tag of open(host).listTags());
  }
  for (const { host } of [endless, circle]) {
    await t.rejects(open(host).listReferrers(blob.digest), { code: 'too_large', message: /no end of pages/ })
    await t.rejects(tags(host), { code: 'too_large' })
  }
  t.ok(circle.asked.length < 10)
  const elsewhere = await startFakeRegistry(t)
  const away = await startFakeRegistry(t, {
    intercept: (_request, response) => pages(response, `http://${elsewhere.host}/v2/x`),
  })
  await t.rejects(open(away.host).listReferrers(blob.digest), {
    code: 'bad_answer',
    message: /is not its own/,
  })
  t.same(elsewhere.asked, [])
})

t.test(
  'a registry that is busy is given the time it asks for, and not more often than is sensible',
  async (t) => {
    for (const [status, header, expected] of [
      [429, '3', [3000, 3000]],
      [503, undefined, [500, 1000]],
      [500, '0', [500, 1000]],
      [502, 'soon', [500, 1000]],
    ] as const) {
      let failures = 2
      const fake = await startFakeRegistry(t, {
        intercept(_request, response) {
          if (failures-- <= 0) return false
          if (header !== undefined) response.setHeader('retry-after', header)
          fail(response, status, 'TOOMANYREQUESTS')
          return true
        },
      })
      const waits: number[] = []
      const delay = (ms: number) => Promise.resolve(waits.push(ms))
      t.equal(await open(fake.host, { patience: { delay } }).hasBlob(blob.digest), false)
      t.same(waits, expected, String(status))
    }
    const never = await startFakeRegistry(t, {
      intercept: (_request, response) => {
        fail(response, 429, 'TOOMANYREQUESTS')
        return true
      },
    })
    await t.rejects(open(never.host).hasBlob(blob.digest), {
      code: 'busy',
      status: 429,
      message: /try again later$/,
    })
    t.equal(never.asked.length, 4)
    const long = await startFakeRegistry(t, {
      intercept: (_request, response) => {
        response.setHeader('retry-after', '86400')
        fail(response, 429, 'TOOMANYREQUESTS')
        return true
      },
    })
    await t.rejects(open(long.host).hasBlob(blob.digest), { code: 'busy' })
    t.equal(long.asked.length, 1)
  },
)

t.test('a push that breaks in the middle leaves nothing, and begins anew by itself', async (t) => {
  let breaks = 2
  const fake = await startFakeRegistry(t, {
    intercept(request) {
      if (request.method !== 'PUT' || breaks-- <= 0) return false
      request.socket.destroy()
      return true
    },
  })
  let opened = 0
  const source = () => {
    opened++
    return words
  }
  t.equal(await open(fake.host).pushBlob(blob, source), 'pushed')
  t.equal(opened, 3)
  t.equal(fake.blobs.get(blob.digest)?.toString(), 'some words')
  breaks = 100
  const other = Buffer.from('other')
  const lost = { digest: digestOf(other), size: other.length }
  await t.rejects(
    open(fake.host).pushBlob(lost, () => other),
    { code: 'unreachable' },
  )
  t.notOk(fake.blobs.has(lost.digest))
  t.equal(breaks, 96)
})

t.test('an upload that the registry forgot begins anew', async (t) => {
  let forgets = 1
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'PUT' || forgets-- <= 0) return false
      fail(response, 404, 'BLOB_UPLOAD_UNKNOWN')
      return true
    },
  })
  t.equal(await open(fake.host).pushBlob(blob, () => words), 'pushed')
})

t.test('a source that fails is told as it is, and nothing is pushed', async (t) => {
  const fake = await startFakeRegistry(t)
  const failure = new Error('the disk is gone')
  async function* failing() {
    yield words.subarray(0, 4)
    throw failure
  }
  await t.rejects(open(fake.host).pushBlob(blob, failing), failure)
  t.equal(fake.blobs.size, 0)
})

t.test('a download that is cut off goes on where it was', async (t) => {
  const whole = Buffer.alloc(300_000, 5)
  const large = { digest: digestOf(whole), size: whole.length }
  for (const ranges of [true, false]) {
    let cuts = 3
    const fake = await startFakeRegistry(t, {
      async intercept(request, response) {
        if (request.method !== 'GET' || !request.url?.includes('/blobs/') || cuts-- <= 0) return false
        const from = ranges ? Number(/=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
        const status = from === 0 ? 200 : 206
        const range = `bytes ${from}-${whole.length - 1}/${whole.length}`
        response.writeHead(status, { 'content-length': whole.length - from, 'content-range': range })
        await new Promise((resolve) => response.write(whole.subarray(from, from + 50_000), resolve))
        request.socket.destroySoon()
        return true
      },
    })
    fake.blobs.set(large.digest, whole)
    t.ok((await open(fake.host).readBlob(large)).equals(whole), ranges ? 'by ranges' : 'anew')
  }
})

t.test('what a registry says is shown on one line, without tokens and bounded', async (t) => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlc2lnbmF0dXJl'
  const fake = await startFakeRegistry(t, {
    intercept(_request, response) {
      response.writeHead(403)
      const message = `\u001b[31mno\n${token} ${'x'.repeat(5000)}`
      response.end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }))
      return true
    },
  })
  const error = await open(fake.host)
    .readManifest('v1')
    .then(
      () => t.fail('it must throw') as never,
      (thrown: OciError) => thrown,
    )
  t.equal(error.code, 'denied')
  t.match(
    error.message,
    /answers 403 to GET of the manifest v1 of .*: DENIED \\u001b\[31mno\\u000a\[token\] x+…; ask/,
  )
  t.ok(error.message.length < 700)
})

t.test('a writing request is not redirected into another', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'PUT') return false
      response.writeHead(302, { location: '/elsewhere' }).end()
      return true
    },
  })
  await t.rejects(open(fake.host).pushManifest(words, mediaTypes.ociManifest), {
    code: 'bad_answer',
    message: /is not followed/,
  })
  const circle = await startFakeRegistry(t, {
    intercept(request, response) {
      response.writeHead(307, { location: request.url }).end()
      return true
    },
  })
  await t.rejects(open(circle.host).readManifest('v1'), { code: 'bad_answer' })
})

t.test('nobody but a registry that is there itself sends us to a link-local address', async (t) => {
  const follow = async (registry: string, target: string) => {
    // A proxy that is all of them.
    const proxy = await startFakeRegistry(t, {
      intercept(request, response) {
        const { pathname } = new URL(request.url ?? '')
        const location = `http://${target}/latest`
        if (pathname === '/latest') response.end(words)
        else if (request.method === 'POST') response.writeHead(202, { location }).end()
        else if (request.method === 'HEAD') response.writeHead(404).end()
        else response.writeHead(307, { location }).end()
        return true
      },
    })
    const route = { proxyFor: () => `http://${proxy.host}` }
    return open(registry, { allowHttp: true, route })
  }
  const refusal = { code: 'bad_answer', message: /, a link-local address; nothing was sent there$/ }
  for (const target of [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '[fe80::1]',
    '[fd00:ec2::254]',
  ]) {
    const repository = await follow('10.0.0.1', target)
    await t.rejects(repository.readBlob(blob), refusal, target)
    await t.rejects(
      repository.pushBlob(blob, () => words),
      refusal,
      target,
    )
  }
  t.same(await (await follow('10.0.0.1', '10.0.0.2')).readBlob(blob), words)
  t.same(await (await follow('169.254.10.1', '169.254.10.2')).readBlob(blob), words)
})

t.test('a registry that changes what it is given is told of', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'PUT') return false
      response.writeHead(201, { 'docker-content-digest': digestOf(Buffer.from('changed')) }).end()
      return true
    },
  })
  await t.rejects(open(fake.host).pushManifest(words, mediaTypes.ociManifest), { code: 'digest_mismatch' })
})

t.test('whoever gives up hears the reason that was given, also while it waits', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(_request, response) {
      fail(response, 503, 'UNAVAILABLE')
      return true
    },
  })
  const reason = new Error('enough')
  const abort = new AbortController()
  const delay = () => {
    abort.abort(reason)
    return Promise.reject(new Error('the delay was ended'))
  }
  await t.rejects(open(fake.host, { signal: abort.signal, patience: { delay } }).hasBlob(blob.digest), reason)
})

t.test('two writers that read the list of referrers before either wrote it lose nothing', async (t) => {
  let reading = 0
  let readBoth = (): void => undefined
  const both = new Promise<void>((resolve) => (readBoth = resolve))
  const fake = await startFakeRegistry(t, {
    async intercept(request, response) {
      if (request.method !== 'GET' || !request.url?.includes('/manifests/sha256-') || reading >= 2)
        return false
      if (++reading === 2) readBoth()
      await both
      fail(response, 404, 'MANIFEST_UNKNOWN')
      return true
    },
  })
  const image = await pushImage(open(fake.host), 'subject')
  // Each settles until the other has written.
  const writes = (): number => fake.lines().filter((line) => /^PUT .*\/sha256-/.test(line)).length
  const delay = async (): Promise<void> => {
    while (writes() < 2) await new Promise(setImmediate)
  }
  const writers = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const repository = open(fake.host, { patience: { delay } })
      return repository.pushReferrer(await attachment(repository, image, name))
    }),
  )
  const found = (await open(fake.host).listReferrers(image.digest)).map(({ digest }) => digest)
  t.same(new Set(found), new Set(writers.map(({ digest }) => digest)))
  t.equal(writes(), 3)
})

t.test('a list of referrers that is something else is never written over', async (t) => {
  const fake = await startFakeRegistry(t)
  const repository = open(fake.host)
  const image = await pushImage(repository, 'subject')
  const tag = image.digest.replace(':', '-')
  await pushImage(repository, 'somebody’s', tag)
  await t.rejects(repository.pushReferrer(await attachment(repository, image, 'x')), {
    code: 'bad_document',
    message: /is an image and no list/,
  })
})

t.test('a list that others write again and again is given up in a sentence', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.method !== 'GET' || !request.url?.includes('/manifests/sha256-')) return false
      response.writeHead(200, { 'content-type': mediaTypes.ociIndex, etag: '"1"' }).end(encodeIndex([]))
      return true
    },
  })
  const repository = open(fake.host)
  const image = await pushImage(repository, 'subject')
  await t.rejects(repository.pushReferrer(await attachment(repository, image, 'x')), { code: 'conflict' })
  t.equal(fake.lines().filter((line) => /^PUT .*\/sha256-/.test(line)).length, 20)
})

t.test('a page for people in place of a list of referrers means that there is no such list', async (t) => {
  for (const [status, type] of [
    [200, 'text/html'],
    [404, 'application/json'],
    [400, 'text/plain'],
    [406, 'application/json'],
  ] as const) {
    const fake = await startFakeRegistry(t, {
      intercept(request, response) {
        if (!request.url?.includes('/referrers/')) return false
        response.writeHead(status, { 'content-type': type }).end('<html>')
        return true
      },
    })
    t.same(await open(fake.host).listReferrers(blob.digest), [], `${status} ${type}`)
  }
})
