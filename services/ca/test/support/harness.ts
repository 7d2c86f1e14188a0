/** A CA over stand-ins of its neighbours, with real adapters in between. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { Authority } from '@sigstack/ca-authority'
import {
  createSigner,
  defaultClientAlgorithms,
  generateSigningKey,
  type Signer,
  utf8,
} from '@sigstack/crypto'
import type { Turnstile } from '@sigstack/limits/turnstile'
import { createLogger, createRegistry } from '@sigstack/server'
import { createIntermediate, createRoot, serialNumberFrom } from '@sigstack/x509'
import type { FastifyInstance } from 'fastify'
import { type CtLogs, createCtLogs } from '../../src/adapters/ct-logs.ts'
import { createReadIssuerKeys } from '../../src/adapters/issuer-keys.ts'
import { createOidcProxyClient } from '../../src/adapters/oidc-proxy-client.ts'
import { buildApp } from '../../src/app.ts'
import { createFindIssuer } from '../../src/identity/find-issuer.ts'
import type { IssuerEntry } from '../../src/identity/identity.ts'
import { parseIssuerConfig } from '../../src/identity/issuer-config.ts'
import type { IssuanceDependencies } from '../../src/issuance/dependencies.ts'
import { createMetrics, measureCtLog, tellCtLogs } from '../../src/metrics.ts'
import { createTokenVerifier } from '../../src/token/verify.ts'
import type { Tracing } from '../../src/tracing.ts'
import { type StandInCtLog, startCtLog } from './ct-log.ts'
import { createIssuer, type StandInIssuer, type StandInProxy, signToken, startProxy } from './oidc.ts'

export const emailIssuerUrl = 'https://login.example.com'

export type Harness = {
  readonly app: FastifyInstance
  /** The first, and behind it the others. */
  readonly ctLog: StandInCtLog
  readonly otherCtLogs: readonly StandInCtLog[]
  /** The CA's side of them. */
  readonly ctLogs: CtLogs
  readonly proxy: StandInProxy
  readonly authority: Authority
  readonly emailIssuer: StandInIssuer
  readonly logLines: string[]
  readonly issuance: IssuanceDependencies
  readonly metricsText: () => Promise<string>
  stop(): Promise<void>
}

export type HarnessOptions = {
  readonly config?: unknown
  /** In place of `config`. */
  readonly issuerEntries?: readonly IssuerEntry[]
  readonly issuers?: readonly StandInIssuer[]
  readonly change?: (dependencies: IssuanceDependencies) => IssuanceDependencies
  readonly authority?: Authority
  readonly tracing?: Pick<Tracing, 'traceRequest'>
  readonly totalTimeoutMs?: number
  /** Besides the first. */
  readonly otherCtLogs?: number
  /** Of the rests of CT logs. */
  readonly nowMs?: () => number
  readonly turnstile?: Turnstile
}

export const emailConfig = {
  'oidc-issuers': {
    [emailIssuerUrl]: { 'issuer-url': emailIssuerUrl, 'client-id': 'sigstore', type: 'email' },
  },
}

export async function createAuthority(intermediateLifeMs = 3600_000, signer?: Signer): Promise<Authority> {
  const rootSigner = createSigner(generateSigningKey())
  const issuing = signer ?? createSigner(generateSigningKey())
  const begin = new Date(Date.now() - 1000)
  const end = (ms: number) => new Date(Date.now() + ms)
  const root = await createRoot({
    signer: rootSigner,
    commonName: 'root',
    organization: 'tests',
    notBefore: begin,
    notAfter: end(7200_000),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const intermediate = await createIntermediate({
    root,
    rootSigner,
    publicKey: issuing.publicKey,
    commonName: 'intermediate',
    notBefore: begin,
    notAfter: end(intermediateLifeMs),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  return { signer: issuing, chain: [intermediate, root] }
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const emailIssuer = await createIssuer(emailIssuerUrl)
  const ctLog = await startCtLog()
  const otherCtLogs = await Promise.all(Array.from({ length: options.otherCtLogs ?? 0 }, startCtLog))
  const proxy = await startProxy(emailIssuer, ...(options.issuers ?? []))
  const authority = options.authority ?? (await createAuthority())
  const issuers = options.issuerEntries ?? parseIssuerConfig(options.config ?? emailConfig).issuers
  const registry = createRegistry({ processMetrics: false })
  const metrics = createMetrics(registry, () => authority.chain[0].notAfter)
  const proxyClient = createOidcProxyClient(proxy.url)
  const ctLogs = createCtLogs({
    places: () => [ctLog, ...otherCtLogs],
    ...(options.totalTimeoutMs !== undefined && { totalTimeoutMs: options.totalTimeoutMs }),
    ...(options.nowMs !== undefined && { nowMs: options.nowMs }),
  })
  tellCtLogs(registry, ctLogs)
  const plain: IssuanceDependencies = {
    authenticate: createTokenVerifier({
      findIssuer: createFindIssuer(issuers),
      readKeys: createReadIssuerKeys(proxyClient, () => performance.now()),
      now: () => new Date(),
    }),
    authority: () => authority,
    ctLog: measureCtLog(ctLogs, metrics),
    allowedAlgorithms: defaultClientAlgorithms,
    now: () => new Date(),
    randomBytes,
  }
  const issuance = options.change?.(plain) ?? plain
  const logLines: string[] = []
  const logger = createLogger({
    name: 'ca',
    level: 'debug',
    destination: { write: (line) => logLines.push(line) },
  })
  const app = buildApp({
    issuance,
    issuers: () => issuers,
    metrics,
    logger,
    ...(options.tracing !== undefined && { tracing: options.tracing }),
    ...(options.turnstile !== undefined && { turnstile: options.turnstile }),
  })
  await app.ready()
  return {
    app,
    ctLog,
    otherCtLogs,
    ctLogs,
    proxy,
    authority,
    emailIssuer,
    logLines,
    issuance,
    metricsText: () => registry.metrics(),
    async stop() {
      await app.close()
      await ctLogs.close()
      await proxyClient.close()
      await Promise.all([ctLog, ...otherCtLogs].map((log) => log.stop()))
      await proxy.stop()
    },
  }
}

export type ClientKey = {
  readonly pem: string
  readonly der: Buffer
  readonly privateKey: KeyObject
  prove(subject: string, encoding?: 'der' | 'ieee-p1363'): string
}

const hashOf: Record<string, string | null> = { 'P-384': 'sha384', 'P-521': 'sha512', ed25519: null }

export function createClientKey(
  kind: 'P-256' | 'P-384' | 'P-521' | 'ed25519' | 1024 | 2048 | 3072 | 4096 = 'P-256',
): ClientKey {
  const { publicKey, privateKey } =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : typeof kind === 'number'
        ? generateKeyPairSync('rsa', { modulusLength: kind })
        : generateKeyPairSync('ec', { namedCurve: kind })
  const hash = Object.hasOwn(hashOf, String(kind)) ? hashOf[String(kind)]! : 'sha256'
  return {
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    der: publicKey.export({ type: 'spki', format: 'der' }),
    privateKey,
    prove: (subject, dsaEncoding = 'der') =>
      sign(hash, utf8(subject), { key: privateKey, dsaEncoding }).toString('base64'),
  }
}

/** The claims of a person, as most issuers give them. */
export const person = { email: 'alice@example.com', email_verified: true, sub: 'user-17' }

export async function emailToken(harness: Harness, claims: Record<string, unknown> = {}): Promise<string> {
  return signToken(harness.emailIssuer, { ...person, ...claims })
}

export function v2Body(token: string, key: ClientKey, proof = key.prove(person.email)): unknown {
  return {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: key.pem }, proofOfPossession: proof },
  }
}

export async function postV2(harness: Harness, body: unknown, headers: Record<string, string> = {}) {
  return harness.app.inject({
    method: 'POST',
    url: '/api/v2/signingCert',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
}

/** The PEMs in an answer of v2. */
export function certificatesOf(answer: { json(): unknown }): string[] {
  const body = answer.json() as {
    signedCertificateEmbeddedSct?: { chain: { certificates: string[] } }
    message?: string
  }
  if (body.signedCertificateEmbeddedSct === undefined)
    throw new Error(`no certificate: ${body.message ?? ''}`)
  return body.signedCertificateEmbeddedSct.chain.certificates
}
