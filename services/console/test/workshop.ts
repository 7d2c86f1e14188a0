/** A log of Rekor v1 that holds whatever a test puts into it, behind HTTP as any log is, and a console that reads it. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import {
  createSigner,
  encodePublicKeyPem,
  generateSigningKey,
  keyFingerprint,
  sha256Hex,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import {
  emptyTree,
  growTree,
  leafHash,
  proveConsistency,
  proveInclusion,
  tileFromHashes,
} from '@sigstack/merkle'
import { createLogger } from '@sigstack/server'
import { buildTrustedRoot } from '@sigstack/trust-root'
import { createTestCa } from '@sigstack/x509/testing'
import type { Test } from 'tap'
import { type RunningConsole, readConfig, startConsole } from '../src/index.ts'

export const now = new Date('2026-03-01T12:00:00Z')
const seconds = Math.floor(now.getTime() / 1000)
const origin = 'log.example - 1193050959916656506'
const treeId = '108e9186e8c5677a'

export type Put = { readonly body: unknown; readonly attestation?: Uint8Array }

/** As the API answers it. */
export type ToldEntry = {
  integratedTime: number
  verification: { inclusionProof: { hashes: string[]; rootHash: string } }
}

export type TestLog = {
  readonly url: string
  readonly trustedRoot: string
  readonly uuids: readonly string[]
  /** As it was when it had so many entries. */
  headAt(size: number): Promise<string>
  /** Hashes of every consistency proof from now on. */
  proveWith(hashes: readonly string[]): void
  /** Changes what is answered from now on. */
  tamper(change: (entry: ToldEntry) => void): void
}

/** At most 256 entries. `isUpstream`: it has no search of ours. */
export async function openLog(
  t: Test,
  puts: readonly Put[],
  {
    isUpstream = false,
    roots = [] as readonly Uint8Array[],
    /** Entries of other logs, as the search tells them. */
    beside = [] as readonly unknown[],
  } = {},
): Promise<TestLog> {
  const signer = createSigner(generateSigningKey())
  const leaves = puts.map(({ body }) => Buffer.from(JSON.stringify(body)))
  const hashes = leaves.map((leaf) => leafHash(leaf))
  const { tree } = growTree(emptyTree, hashes)
  const treeHead = { size: BigInt(hashes.length), rootHash: tree.rootHash }
  const keyHint = rekorV1KeyHint(signer.publicKey)
  const headAt = (size: number) => {
    const { tree: treeHead } = growTree(emptyTree, hashes.slice(0, size))
    return signCheckpoint({ origin, name: 'log.example', treeHead, signer, keyHint })
  }
  const checkpoint = await headAt(hashes.length)
  const logID = toHex(keyFingerprint(signer.publicKey))
  const uuids = hashes.map((hash) => treeId + toHex(hash))
  const tile = tileFromHashes(Buffer.concat(hashes))
  let change: (entry: ToldEntry) => void = () => {}
  let proof: readonly string[] | undefined

  const told = await Promise.all(
    leaves.map(async (leaf, at) => {
      const body = toBase64(leaf)
      const { siblings } = proveInclusion(BigInt(at), treeHead.size, () => tile)
      const promised = `{"body":"${body}","integratedTime":${seconds},"logID":"${logID}","logIndex":${at}}`
      const { attestation } = puts[at] ?? {}
      return {
        body,
        integratedTime: seconds,
        logID,
        logIndex: at,
        ...(attestation !== undefined && { attestation: { data: toBase64(attestation) } }),
        verification: {
          inclusionProof: {
            checkpoint,
            hashes: siblings.map(toHex),
            logIndex: at,
            rootHash: toHex(tree.rootHash),
            treeSize: hashes.length,
          },
          signedEntryTimestamp: toBase64(await signer.sign(utf8(promised))),
        },
      }
    }),
  )
  const answer = (at: number) => {
    const entry = structuredClone(told[at]) as ToldEntry
    change(entry)
    return { [uuids[at] ?? '']: entry }
  }

  const found = puts.map(({ body }, at) => ({
    entryID: uuids[at],
    logIndex: at,
    integratedTime: seconds,
    kind: (body as { kind: string }).kind,
    apiVersion: '0.0.1',
    subjects: (body as { subjects?: readonly string[] }).subjects ?? [],
    issuers: [],
    serialNumbers: [],
    keyHashes: [sha256Hex(`key ${at}`)],
  }))

  async function answerTo(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://log')
    const asked = request.method === 'POST' ? JSON.parse(await text(request)) : {}
    if (pathname === '/api/v1/log')
      return {
        inactiveShards: [],
        rootHash: toHex(tree.rootHash),
        signedTreeHead: checkpoint,
        treeID: '1193050959916656506',
        treeSize: hashes.length,
      }
    if (pathname === '/api/v1/log/proof') {
      if (proof !== undefined) return { hashes: proof }
      const [oldSize, newSize] = ['firstSize', 'lastSize'].map((name) => BigInt(searchParams.get(name) ?? 0))
      return { hashes: proveConsistency(oldSize ?? 0n, newSize ?? 0n, () => tile).hashes.map(toHex) }
    }
    if (pathname === '/api/v1/log/publicKey') return encodePublicKeyPem(signer.publicKey)
    if (pathname === '/api/v1/log/entries') {
      const at = Number(searchParams.get('logIndex'))
      return at < uuids.length ? answer(at) : undefined
    }
    if (pathname === '/api/v1/log/entries/retrieve')
      return (asked.entryUUIDs as readonly string[]).map((uuid) => answer(uuids.indexOf(uuid)))
    if (pathname === '/api/v1/index/retrieve') return uuids
    if (pathname === '/api/v1/search' && !isUpstream)
      return {
        entries: [...(asked.log === 'rekor-v1' ? [] : beside), ...found.toReversed()],
        indexed: uuids.length,
      }
    const at = uuids.findIndex(
      (uuid) => pathname.startsWith('/api/v1/log/entries/') && pathname.endsWith(uuid.slice(16)),
    )
    return at < 0 ? undefined : answer(at)
  }

  const server = createServer((request, response) => {
    void answerTo(request).then((json) => {
      response.writeHead(json === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(
        typeof json === 'string' ? json : JSON.stringify(json ?? { code: 404, message: 'entry not found' }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const validFor = { start: new Date('2026-01-01T00:00:00Z') }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    trustedRoot: buildTrustedRoot({
      tlogs: [{ baseUrl: 'https://log.example', publicKey: signer.publicKey, validFor }],
      certificateAuthorities: roots.map((root) => ({ uri: 'https://ca.example', chain: [root], validFor })),
      ctlogs: [],
      timestampAuthorities: [],
    }),
    uuids,
    headAt,
    proveWith: (hashes) => {
      proof = hashes
    },
    tamper: (changed) => {
      change = changed
    },
  }
}

export async function openConsole(
  t: Test,
  log: Pick<TestLog, 'url' | 'trustedRoot'>,
  settings: Readonly<Record<string, string>> = {},
  {
    logLines,
    issuers,
    nowMs,
  }: { readonly logLines?: string[]; readonly issuers?: unknown; readonly nowMs?: () => number } = {},
): Promise<RunningConsole> {
  const folder = t.testdir({
    'trusted_root.json': log.trustedRoot,
    ...(issuers !== undefined && { 'issuers.json': JSON.stringify({ issuers }) }),
  })
  const config = readConfig({
    CONSOLE_PORT: '0',
    CONSOLE_REKOR_URL: log.url,
    CONSOLE_TRUSTED_ROOT_FILE: `${folder}/trusted_root.json`,
    ...(issuers !== undefined && { CONSOLE_ISSUERS_FILE: `${folder}/issuers.json` }),
    ...settings,
  })
  const logger = createLogger({
    name: 'console',
    level: logLines === undefined ? 'silent' : 'debug',
    destination: { write: (line) => logLines?.push(line) },
  })
  const running = await startConsole(config, {
    logger,
    processMetrics: false,
    ...(nowMs !== undefined && { nowMs }),
  })
  t.teardown(() => running.stop())
  return running
}

/** A hashedrekord entry that is all that it says, signed with a certificate for `name` (a user name, which may hold anything). */
export async function signedEntry(
  name: string,
): Promise<{ readonly body: unknown; readonly root: Uint8Array }> {
  const ca = await createTestCa(now)
  const { signer, pem } = await ca.certify({ type: 'username', value: name }, 'https://issuer.example')
  const artifact = utf8('what is signed\n')
  return {
    root: ca.root.der,
    body: {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: sha256Hex(artifact) } },
        signature: {
          content: toBase64(await signer.sign(artifact)),
          publicKey: { content: toBase64(utf8(pem)) },
        },
      },
    },
  }
}
