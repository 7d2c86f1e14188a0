/**
 * A registry in memory, for what real ones seldom do. `intercept` may answer anything in its place: wrong digests, endless
 * lists, redirects, silence.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Asked = { readonly line: string; readonly authorization: string | undefined }

export type FakeOptions = {
  readonly referrersApi?: boolean
  /** Entries of one page of referrers or tags. */
  readonly pageSize?: number
  /** True: it has answered. */
  intercept?: (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean | Promise<boolean>
}

export type FakeRegistry = {
  /** Host and port. */
  readonly host: string
  readonly asked: Asked[]
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly type: string }>
  readonly tags: Map<string, string>
  readonly blobs: Map<string, Buffer>
  /** `METHOD path` of all that was asked, without the look for TLS. */
  lines(): readonly string[]
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const indexType = 'application/vnd.oci.image.index.v1+json'

export async function startFakeRegistry(
  t: Pick<Test, 'teardown'>,
  options: FakeOptions = {},
): Promise<FakeRegistry> {
  const registry = {
    asked: [] as Asked[],
    manifests: new Map<string, { bytes: Buffer; type: string }>(),
    tags: new Map<string, string>(),
    blobs: new Map<string, Buffer>(),
  }
  const server = createServer((request, response) => {
    void (async () => {
      registry.asked.push({
        line: `${request.method} ${request.url}`,
        authorization: request.headers.authorization,
      })
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const body = Buffer.concat(pieces)
      if ((await options.intercept?.(request, response, body)) === true) return
      answer(request, response, body)
    })().catch(() => response.destroy())
  })

  /** Names are those of one repository: what it has is what all have. */
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const url = new URL(request.url ?? '', 'http://fake')
    const [, repository = '', kind = '', target = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(url.pathname) ?? []
    const method = request.method ?? ''
    if (kind === 'manifests') return manifest(method, target, request, response, body)
    if (kind === 'blobs') return blob(method, repository, target, url, response, body, request)
    if (kind === 'tags')
      return page(response, url, [...registry.tags.keys()], (tags) => ({ name: repository, tags }))
    if (kind === 'referrers' && options.referrersApi === true)
      return page(
        response,
        url,
        referrersOf(target),
        (manifests) => ({ schemaVersion: 2, mediaType: indexType, manifests }),
        indexType,
      )
    if (url.pathname === '/v2/') return void response.end('{}')
    fail(response, 404, 'NOT_FOUND')
  }

  const manifest = (
    method: string,
    target: string,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): void => {
    if (method === 'PUT') {
      const digest = sha256(body)
      registry.manifests.set(digest, { bytes: body, type: request.headers['content-type'] ?? '' })
      if (!target.startsWith('sha256:')) registry.tags.set(target, digest)
      return void response.writeHead(201, { 'docker-content-digest': digest }).end()
    }
    const digest = registry.tags.get(target) ?? target
    const found = registry.manifests.get(digest)
    if (found === undefined) return fail(response, 404, 'MANIFEST_UNKNOWN')
    if (method === 'DELETE') {
      if (target !== digest) return fail(response, 405, 'UNSUPPORTED')
      registry.manifests.delete(digest)
      for (const [tag, of] of registry.tags) if (of === digest) registry.tags.delete(tag)
      return void response.writeHead(202).end()
    }
    response.writeHead(200, {
      'content-type': found.type,
      'content-length': found.bytes.length,
      'docker-content-digest': digest,
    })
    response.end(method === 'HEAD' ? undefined : found.bytes)
  }

  const blob = (
    method: string,
    repository: string,
    target: string,
    url: URL,
    response: ServerResponse,
    body: Buffer,
    request: IncomingMessage,
  ): void => {
    if (method === 'POST') {
      const mount = url.searchParams.get('mount') ?? ''
      if (registry.blobs.has(mount)) return void response.writeHead(201).end()
      const location = `/v2/${repository}/blobs/uploads/session?state=kept`
      return void response.writeHead(202, { location }).end()
    }
    if (method === 'PUT') {
      const digest = url.searchParams.get('digest') ?? ''
      if (url.searchParams.get('state') !== 'kept') return fail(response, 404, 'BLOB_UPLOAD_UNKNOWN')
      if (sha256(body) !== digest) return fail(response, 400, 'DIGEST_INVALID')
      registry.blobs.set(digest, body)
      return void response.writeHead(201).end()
    }
    const found = registry.blobs.get(target)
    if (found === undefined) return fail(response, 404, 'BLOB_UNKNOWN')
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
    const rest = found.subarray(Number(from ?? 0))
    response.writeHead(from === undefined ? 200 : 206, {
      'content-length': rest.length,
      ...(from !== undefined && { 'content-range': `bytes ${from}-${found.length - 1}/${found.length}` }),
    })
    response.end(method === 'HEAD' ? undefined : rest)
  }

  const referrersOf = (subject: string): readonly object[] =>
    [...registry.manifests].flatMap(([digest, { bytes, type }]) => {
      const document = JSON.parse(bytes.toString()) as Record<string, { digest?: string; mediaType?: string }>
      if (document.subject?.digest !== subject) return []
      const artifactType = document.artifactType ?? document.config?.mediaType
      return [
        { mediaType: type, digest, size: bytes.length, artifactType, annotations: document.annotations },
      ]
    })

  const page = <T>(
    response: ServerResponse,
    url: URL,
    all: readonly T[],
    shape: (items: readonly T[]) => object,
    type = 'application/json',
  ): void => {
    const size = options.pageSize ?? 100
    const start = Number(url.searchParams.get('start') ?? 0)
    const next = `<${url.pathname}?start=${start + size}>; rel="next"`
    response.writeHead(200, { 'content-type': type, ...(start + size < all.length && { link: next }) })
    response.end(JSON.stringify(shape(all.slice(start, start + size))))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return {
    ...registry,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines: () => registry.asked.map(({ line }) => line),
  }
}

export function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message: `this is ${code}` }] }))
}
