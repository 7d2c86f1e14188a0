/** A CT log for tests: real SCTs over what was submitted, and ways to misbehave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSigner, generateSigningKey, keyFingerprint, type PublicKey, sha256 } from '@sigstack/crypto'
import { addChainResponse, type Sct, sctSignedData } from '@sigstack/ct'
import { extensionOid, parseCertificate, removeExtension } from '@sigstack/x509'

export type CtLogMode =
  | 'good'
  | 'slow'
  | 'too_many'
  | 'unavailable'
  | 'unavailable_for_long'
  | 'timeout_then_good'
  | 'wrong_signature'
  | 'other_key'
  | 'garbage'
  | 'huge'
  | 'refuses'
  | 'closed'
  | 'hangs'
  | 'closes'

export type StandInCtLog = {
  readonly url: string
  readonly publicKey: PublicKey
  mode: CtLogMode
  /** DER of every precertificate that came in. */
  readonly submissions: Uint8Array[]
  readonly chains: string[][]
  extensions: Uint8Array
  requests: number
  stop(): Promise<void>
}

export async function startCtLog(): Promise<StandInCtLog> {
  const signer = createSigner(generateSigningKey())
  const stranger = createSigner(generateSigningKey())
  const log: StandInCtLog = {
    url: '',
    publicKey: signer.publicKey,
    mode: 'good',
    submissions: [],
    chains: [],
    extensions: new Uint8Array(),
    requests: 0,
    stop: () => Promise.resolve(),
  }

  async function sct(chain: string[]): Promise<Sct> {
    const [precertificate, issuer] = chain.map((text) => parseCertificate(Buffer.from(text, 'base64')))
    const entry = {
      type: 'precert',
      issuerKeyHash: sha256(issuer!.spki),
      tbs: removeExtension(precertificate!.tbs, extensionOid.poison),
    } as const
    const timestampMs = Date.now()
    const { extensions } = log
    const by = log.mode === 'other_key' ? stranger : signer
    const signature = await by.sign(sctSignedData({ timestampMs, entry, extensions }))
    if (log.mode === 'wrong_signature') signature[signature.length - 1]! ^= 1
    return {
      logId: keyFingerprint(by.publicKey),
      timestampMs,
      extensions,
      signature: { algorithm: 'ecdsa', signature },
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    log.requests++
    if (request.url === '/test/ct/v1/get-sth') {
      // A frozen log is read as before.
      response.writeHead(log.mode === 'good' || log.mode === 'closed' ? 200 : 503).end('{}')
      return
    }
    if (request.method !== 'POST' || request.url !== '/test/ct/v1/add-pre-chain') {
      response.writeHead(404).end()
      return
    }
    const good = async (): Promise<void> => {
      const { chain } = JSON.parse(Buffer.concat(chunks).toString()) as { chain: string[] }
      log.submissions.push(Buffer.from(chain[0]!, 'base64'))
      log.chains.push(chain)
      const body = JSON.stringify(addChainResponse(await sct(chain)))
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    }
    switch (log.mode) {
      case 'good':
      case 'wrong_signature':
      case 'other_key':
        return good()
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, 250))
        return good()
      case 'too_many':
        return void response.writeHead(429).end('slow down')
      case 'unavailable':
        log.mode = 'good'
        return void response.writeHead(503, { 'retry-after': '0' }).end('busy')
      case 'unavailable_for_long':
        return void response.writeHead(503, { 'retry-after': '17' }).end('busy')
      case 'timeout_then_good':
        log.mode = 'good'
        return void response.writeHead(408).end()
      case 'garbage':
        return void response.writeHead(200).end('<html>')
      case 'huge':
        return void response.writeHead(200).end('x'.repeat(1_000_000))
      case 'refuses':
        return void response.writeHead(400).end('chain not trusted: secret of the log')
      case 'closed':
        return void response.writeHead(403).end('the log is read-only')
      case 'hangs':
        return
      case 'closes':
        return void request.socket.destroy()
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(log, {
    url: `http://127.0.0.1:${port}/test/`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
