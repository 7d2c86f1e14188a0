/**
 * Who sends an entry, where that has to be known: a bearer token (RFC 6750) of one issuer. A signature says who signed; everybody can
 * send it again.
 */
import { quoted } from '@sigstack/crypto'
import { networkReason, requestBounded } from '@sigstack/http-client'
import { RekorLogError } from '@sigstack/rekor-log'
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { AdmissionError } from './errors.ts'

export type SenderOptions = {
  readonly issuer: string
  readonly audience: string
  /** Of a key set; without it the issuer's discovery document names one. */
  readonly keysUrl?: string
  readonly now?: () => number
}

/** Gives the subject of the token in an `Authorization` header. Throws AdmissionError `unknown_sender`, RekorLogError `unavailable`. */
export type IdentifySender = (authorization: string | undefined) => Promise<string>

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const freshMs = 60_000
/** For so long keys are used while the issuer cannot be asked: a withdrawn one lives no longer. */
const keptMs = 600_000
/** Made-up key IDs and an issuer that is away are no reason to ask again at once. */
const pauseMs = 3_000
const answerTimeoutMs = 5_000
const longestAnswer = 262_144
const clockToleranceSeconds = 5
/** Keys that fit a token which names none. */
const mostCandidates = 20

export function createIdentifySender({
  issuer,
  audience,
  keysUrl,
  now = Date.now,
}: SenderOptions): IdentifySender {
  let known: { readonly keys: JWTVerifyGetKey; readonly atMs: number } | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function load(): Promise<void> {
    const url = keysUrl ?? (await discoverKeysUrl(issuer))
    const set = await readJson(url)
    known = { keys: createLocalJWKSet(set as unknown as JSONWebKeySet), atMs: now() }
  }

  /** One request for all who wait, and none in the pause after the last one. */
  async function refresh(): Promise<void> {
    if (asking === undefined && now() - askedAtMs < pauseMs) return
    askedAtMs = now()
    asking ??= load().finally(() => {
      asking = undefined
    })
    await asking
  }

  async function keys(): Promise<JWTVerifyGetKey> {
    const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.atMs
    // Whom known keys serve does not wait for an issuer that may hang.
    if (age > keptMs)
      await refresh().catch((cause: unknown) => {
        throw unavailable(cause)
      })
    else if (age > freshMs) void refresh().catch(() => {})
    if (known === undefined || now() - known.atMs > keptMs) throw unavailable()
    return known.keys
  }

  function unavailable(cause?: unknown): RekorLogError {
    return new RekorLogError('unavailable', 'the keys of the issuer of senders’ tokens cannot be read now', {
      cause,
    })
  }

  async function verify(token: string): Promise<string> {
    const options = {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'sub'],
    }
    const { payload } = await jwtVerify(token, await keys(), options).catch((error: unknown) =>
      verifyWithEach(token, error, options),
    )
    // From outside: a number or an object may stand there.
    const subject: unknown = payload.sub
    if (typeof subject !== 'string' || subject === '')
      throw unknown("the sender's token is refused: sub is no text, or empty")
    return subject
  }

  return async (authorization) => {
    const token = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw unknown('this log wants a bearer token of its senders')
    try {
      return await verify(token)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return verifyAgain(token)
      throw refused(error)
    }
  }

  /** The issuer may have a new key. */
  async function verifyAgain(token: string): Promise<string> {
    await refresh().catch((cause: unknown) => {
      throw unavailable(cause)
    })
    return verify(token).catch((error: unknown) => {
      throw refused(error)
    })
  }
}

/** A token without `kid`, of an issuer with several keys that fit: each is tried, as far as they are few. */
async function verifyWithEach(token: string, ambiguous: unknown, options: JWTVerifyOptions) {
  if (!(ambiguous instanceof errors.JWKSMultipleMatchingKeys)) throw ambiguous
  let tried = 0
  for await (const key of ambiguous) {
    if (tried++ === mostCandidates) break
    try {
      return await jwtVerify(token, key, options)
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** Where the issuer says its keys are; OpenID Connect Discovery section 4.3: by a document that is its own. */
async function discoverKeysUrl(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = await readJson(url)
  if (document['issuer'] !== issuer) throw new Error(`${url} is of another issuer`)
  return textIn(document, 'jwks_uri')
}

function refused(error: unknown): unknown {
  return error instanceof errors.JOSEError
    ? unknown(`the sender's token is refused: ${quoted(error.code)}`, error)
    : error
}

function unknown(message: string, cause?: unknown): AdmissionError {
  return new AdmissionError('unknown_sender', message, { cause })
}

async function readJson(url: string): Promise<Readonly<Record<string, unknown>>> {
  const { status, text } = await requestBounded(url, {
    timeoutMs: answerTimeoutMs,
    maxBytes: longestAnswer,
  }).catch((cause: unknown) => {
    throw new Error(`${url} cannot be read: ${networkReason(cause)}`, { cause })
  })
  if (status !== 200) throw new Error(`${url} was answered with status ${status}`)
  const value: unknown = JSON.parse(text())
  if (typeof value !== 'object' || value === null) throw new Error(`${url} holds no object`)
  return value as Readonly<Record<string, unknown>>
}

function textIn(document: Readonly<Record<string, unknown>>, name: string): string {
  const value = document[name]
  if (typeof value !== 'string' || !/^https?:\/\//.test(value)) throw new Error(`${name} is no URL`)
  return value
}
