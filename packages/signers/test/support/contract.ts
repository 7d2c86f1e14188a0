/** What every key promises, wherever it is. The same tests run over files, tokens and the stand-ins of services. */
import {
  isDerEcdsaSignature,
  type SignatureAlgorithm,
  type Signer,
  signatureAlgorithms,
  utf8,
  verifySignature,
} from '@sigstack/crypto'
import type { Test } from 'tap'
import { openSigner, type SignerErrorCode, type SignerOptions } from '../../src/index.ts'

export type Refusal = { readonly uri: string; readonly code: SignerErrorCode; readonly message: RegExp }

export type Backend = {
  /** Of each kind of key that it has. */
  readonly keys: Readonly<Partial<Record<SignatureAlgorithm, string>>>
  readonly wrongTypes: readonly Refusal[]
  readonly missing: readonly Refusal[]
  readonly options?: SignerOptions
  /** What no message may hold. */
  readonly secrets: readonly string[]
  /** Undefined where there is nobody who could keep us waiting: files. */
  readonly service?: {
    /** From the next request on it does not answer, until `recover`. */
    fallSilent(): void
    /** What hangs is a process of our own, which is replaced while the caller waits. */
    readonly isReplaced?: true
    /** Longer where that takes its time. */
    readonly patienceMs?: number
    recover(): Promise<void> | void
    /** The next request fails in a way that a later one may not. */
    failOnce(): void
    /** Nobody listens any more, for good. */
    stop?(): Promise<void>
  }
}

const message = utf8('what is signed')
const usualPatienceMs = 3_000
/** For who is to answer: the usual two seconds are a busy machine's own. */
export const patient: SignerOptions = { timeoutMs: 60_000 }

export async function runSignerContract(t: Test, backend: Backend): Promise<void> {
  const { keys, options = {}, service } = backend
  const uris = Object.entries(keys) as [SignatureAlgorithm, string][]
  const [, uri = ''] = uris[0] ?? []
  const open = (which = uri, more: SignerOptions = {}): Promise<Signer> =>
    openSigner(which, { ...patient, ...options, ...more })

  await t.test('each kind of key signs, and the signature verifies with its public key', async (t) => {
    for (const [algorithm, which] of uris) {
      const signer = await open(which)
      t.equal(signer.algorithm, algorithm)
      const signature = await signer.sign(message)
      t.ok(await verifies(signer, signature), algorithm)
      if (algorithm.startsWith('ecdsa')) t.ok(isDerEcdsaSignature(signature), 'in DER')
      t.notOk(await verifies(signer, signature, utf8('something else')))
    }
  })

  await t.test('many signatures at once are each over their own message', async (t) => {
    const signer = await open()
    const messages = Array.from({ length: 32 }, (_, at) => utf8(`message ${at}`))
    const signatures = await Promise.all(messages.map((each) => signer.sign(each)))
    for (const [at, each] of messages.entries()) {
      const signature = signatures[at]
      t.ok(signature !== undefined && (await verifies(signer, signature, each)), `message ${at}`)
    }
  })

  await t.test(
    'keys that do not fit, and keys that are not there, are refused with a sentence that names them',
    async (t) => {
      for (const { uri: which, code, message } of [...backend.wrongTypes, ...backend.missing]) {
        const error = await complaintOf(open(which))
        t.match(error, { name: 'SignerError', code, message }, which)
        t.ok(namesKey(error.message, which), error.message)
        assertTellsNoSecret(t, error, backend.secrets)
      }
    },
  )

  if (service === undefined) return
  const { patienceMs: timeoutMs = usualPatienceMs } = service

  await t.test(
    'a service that does not answer is waited for no longer than allowed, and used again afterwards',
    async (t) => {
      const signer = await open(uri, { timeoutMs })
      service.fallSilent()
      if (service.isReplaced !== true) {
        const error = await complaintOf(signer.sign(message))
        t.match(error, { name: 'SignerError', code: 'too_slow' })
        t.ok(error.message.includes(uri))
      }
      await service.recover()
      t.ok(await verifies(signer, await signer.sign(message)))
    },
  )

  await t.test('trouble that passes is not noticed', async (t) => {
    const signer = await open()
    service.failOnce()
    t.ok(await verifies(signer, await signer.sign(message)))
    service.failOnce()
    t.ok(await open())
  })

  if (service.stop === undefined) return
  await t.test('a service that is gone is named', async (t) => {
    const signer = await open(uri, { timeoutMs })
    await service.stop?.()
    for (const attempt of [() => signer.sign(message), () => open(uri, { timeoutMs })]) {
      const error = await complaintOf(attempt())
      t.match(error, { name: 'SignerError', code: 'unreachable', message: /cannot be reached: E\w+/ })
      t.ok(error.message.includes(uri))
      assertTellsNoSecret(t, error, backend.secrets)
    }
  })
}

export async function complaintOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('this should have failed')
}

/** Also not in the causes, which end up in log records. */
export function assertTellsNoSecret(t: Test, error: Error, secrets: readonly string[]): void {
  for (const secret of secrets) t.notOk(error.message.includes(secret), `no secret in: ${error.message}`)
}

export function verifies(
  { publicKey, algorithm }: Signer,
  signature: Uint8Array,
  of = message,
): Promise<boolean> {
  return verifySignature(publicKey, signatureAlgorithms[algorithm].hash, of, signature)
}

function namesKey(text: string, uri: string): boolean {
  return text.includes(uri) || text.includes(uri.replace(/^file:/, ''))
}
