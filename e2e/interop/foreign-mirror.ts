/** A TUF repository of somebody else: keys of its own, in order, and with what it is given in it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSigner, generateSigningKey, utf8 } from '@sigstack/crypto'
import { encodeMetadata, nextRelease, nextRoot } from '@sigstack/tuf'

const lifetimes = { metadataSeconds: 86_400, timestampSeconds: 86_400 }

/** Its URL. It is served until the process ends, and keeps nobody waiting. */
export async function startForeignMirror(targets: Readonly<Record<string, string>>): Promise<string> {
  const files = await publish(targets)
  const server = createServer((request, response) => {
    const bytes = files.get((request.url ?? '').replace(/^\/+/, ''))
    if (bytes === undefined) response.writeHead(404).end()
    else response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function publish(targets: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, Uint8Array>> {
  const now = new Date()
  const onlineSigner = createSigner(generateSigningKey())
  const rootSigners = [createSigner(generateSigningKey())]
  const root = await nextRoot(
    undefined,
    { rootSigners, formerRootSigners: [], threshold: 1, onlineSigner },
    lifetimes,
    now,
  )
  if (root === undefined) throw new Error('no first root was made')
  const release = await nextRelease({
    root,
    current: undefined,
    targets: Object.entries(targets).map(([name, text]) => ({ name, content: utf8(text) })),
    onlineSigner,
    lifetimes,
    now,
    used: { targets: 0, snapshot: 0 },
  })
  const bytes = encodeMetadata(root)
  return new Map([
    ['root.json', bytes],
    ['1.root.json', bytes],
    ...(release?.files ?? []).map(({ path, bytes: content }) => [path, content] as const),
    ...(release === undefined
      ? []
      : [['timestamp.json', encodeMetadata(release.release.timestamp)] as const]),
  ])
}
