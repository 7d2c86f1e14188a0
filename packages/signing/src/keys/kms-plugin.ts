/**
 * Keys behind a program `sigstore-kms-NAME` on the PATH, which NAME://… names (sigstore's protocol of KMS
 * plug-ins, version 1): the request is its second argument, what is to be signed its standard input, its
 * answer JSON on standard output. Its standard error is ours.
 */
import {
  defaultHash,
  memberAt,
  type PublicKey,
  parseBase64,
  parsePublicKeyPem,
  quoted,
  signingAlgorithm,
  verifySignature,
} from '@sigstack/crypto'
import { ProgramError, runProgram } from '@sigstack/http-client'
import type { SigningKey } from '../credential.ts'
import { SigningError } from '../errors.ts'

const protocolVersion = '1'
const longestAnswerBytes = 1 << 20
const timeoutMs = 120_000
/** Go's numbers (crypto.Hash). */
const hashNumber = { sha256: 5, sha384: 6, sha512: 7 }

type Environment = Readonly<Record<string, string | undefined>>
type Plugin = { readonly plugin: string; readonly uri: string }

export async function openPluginKey(plugin: Plugin, environment: Environment): Promise<SigningKey> {
  const publicKey = await readPluginKey(plugin, environment)
  const hash = defaultHash(publicKey)
  return {
    publicKey,
    algorithm: signingAlgorithm(publicKey),
    sign: async (message) => {
      const hashFunc = hashNumber[hash ?? 'sha512']
      const request = { methodName: 'signMessage', signMessage: { signOptions: { hashFunc } } }
      const answer = await call(plugin, environment, hashFunc, request, message)
      const signature = bytesAt(plugin, memberAt(answer, 'signMessage', 'signature'))
      if (await verifySignature(publicKey, hash, message, signature)) return signature
      throw complaint(plugin, 'gave a signature that its public key does not verify')
    },
  }
}

export async function readPluginKey(plugin: Plugin, environment: Environment): Promise<PublicKey> {
  return publicKeyFrom(plugin, environment, { methodName: 'publicKey', publicKey: { publicKeyOptions: {} } })
}

/** Makes the key there, and gives its public half. */
export async function createPluginKey(plugin: Plugin, environment: Environment): Promise<PublicKey> {
  const asked = { methodName: 'defaultAlgorithm', defaultAlgorithm: {} }
  const answer = await call(plugin, environment, hashNumber.sha256, asked)
  const algorithm = memberAt(answer, 'defaultAlgorithm', 'defaultAlgorithm')
  if (typeof algorithm !== 'string') throw complaint(plugin, 'names no default algorithm')
  return publicKeyFrom(plugin, environment, { methodName: 'createKey', createKey: { algorithm } })
}

type Request = { readonly methodName: string } & Readonly<Record<string, unknown>>

async function publicKeyFrom(plugin: Plugin, environment: Environment, request: Request): Promise<PublicKey> {
  const answer = await call(plugin, environment, hashNumber.sha256, request)
  const pem = bytesAt(plugin, memberAt(answer, request.methodName, 'publicKeyPEM'))
  try {
    return parsePublicKeyPem(Buffer.from(pem).toString('utf8'))
  } catch (cause) {
    throw complaint(plugin, 'gave something that is no public key', cause)
  }
}

async function call(
  plugin: Plugin,
  environment: Environment,
  hashFunc: number,
  request: Request,
  input: Uint8Array = new Uint8Array(),
): Promise<unknown> {
  const keyResourceID = plugin.uri.slice(plugin.plugin.length + 3)
  const asked = JSON.stringify({
    initOptions: { protocolVersion, keyResourceID, hashFunc },
    ...request,
  })
  const text = await run(plugin, environment, asked, input)
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (cause) {
    throw complaint(plugin, 'answers with something that is no JSON', cause)
  }
  const message = memberAt(answer, 'errorMessage')
  if (typeof message === 'string' && message !== '') throw complaint(plugin, `refuses: ${quoted(message)}`)
  return answer
}

/** The exit status says nothing, by the protocol. */
async function run(
  plugin: Plugin,
  environment: Environment,
  asked: string,
  input: Uint8Array,
): Promise<string> {
  const program = `sigstore-kms-${plugin.plugin}`
  try {
    const { stdout } = await runProgram(program, {
      words: [protocolVersion, asked],
      input,
      environment,
      standardError: 'inherit',
      maxBytes: longestAnswerBytes,
      timeoutMs,
    })
    return stdout.toString('utf8')
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause
    if (cause.code !== 'missing') throw complaint(plugin, `gives no answer: ${cause.message}`, cause)
    throw new SigningError(
      'no_key',
      `there is no program ${program} on the PATH for keys of ${plugin.plugin}://`,
      { cause },
    )
  }
}

function bytesAt(plugin: Plugin, value: unknown): Uint8Array {
  try {
    if (typeof value === 'string') return parseBase64(value)
  } catch {
    // Told below.
  }
  throw complaint(plugin, 'answers without what was asked for')
}

function complaint({ plugin }: Plugin, what: string, cause?: unknown): SigningError {
  return new SigningError('no_key', `sigstore-kms-${plugin} ${what}`, { cause })
}
