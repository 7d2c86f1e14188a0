/**
 * Checks of P-256 signatures by another thread, where two cores are all there are. Those that come in one turn of the event loop go there
 * in one message, so that the way costs each of them little; a few that come alone are done where they are, which is quickest.
 */
import type { EcdsaCheck, VerifyEcdsaDigest } from './ecdsa-backend.ts'

/** Another thread of this process, which answers by `verifyPacked`. */
export type CheckThread = {
  /** Whether it would begin at once. A thread that is not there yet is started. */
  isReady(): boolean
  /** Messages in it or waiting for it. */
  depth(): number
  /** One byte for each check: 1 where it holds. Rejects when the thread fails. */
  verify(packed: Uint8Array): Promise<Uint8Array>
}

type Waiting = { readonly check: EcdsaCheck; resolve(valid: boolean | Promise<boolean>): void }

/** In one message: to wake the thread and to be woken costs as much processor time as four checks, and fewer are answered sooner here. */
const fewestChecks = 5
/** In one message: the first of them should not wait for the last. */
const mostChecks = 32

/** Of a check as the thread gets it: point, SHA-256 digest, length of the signature, and that in DER at its longest. */
const slot = { digest: 65, length: 97, signature: 98, end: 170 } as const

/** `verify` does what no thread is asked for: what are few or of another size, and all while the thread starts or when it fails. */
export function gatherChecks(verify: VerifyEcdsaDigest, thread: CheckThread): VerifyEcdsaDigest {
  const waiting: Waiting[] = []
  let isFlushing = false

  /** While a message is worked on, what comes is gathered: fewer messages cost less than the thread gains by having one at hand. */
  function flush(): void {
    isFlushing = false
    if (waiting.length === 0 || thread.depth() > 0) return
    if (waiting.length < fewestChecks || !thread.isReady()) here(waiting.splice(0))
    else void there(waiting.splice(0, mostChecks))
  }

  function here(some: readonly Waiting[]): void {
    for (const { check, resolve } of some) resolve(verify(check))
  }

  async function there(some: readonly Waiting[]): Promise<void> {
    const answers = await thread.verify(pack(some)).catch(() => undefined)
    if (answers?.length === some.length)
      for (const [at, { resolve }] of some.entries()) resolve(answers[at] === 1)
    else here(some)
    flush()
  }

  return (check) => {
    if (!fits(check)) return verify(check)
    return new Promise((resolve) => {
      waiting.push({ check, resolve })
      if (!isFlushing) setImmediate(flush)
      isFlushing = true
    })
  }
}

/** What the thread answers to the checks of one message. */
export async function verifyPacked(packed: Uint8Array, verify: VerifyEcdsaDigest): Promise<Uint8Array> {
  const answers = new Uint8Array(packed.length / slot.end)
  for (const at of answers.keys()) {
    const bytes = packed.subarray(at * slot.end, (at + 1) * slot.end)
    const signatureEnd = slot.signature + (bytes[slot.length] ?? 0)
    const check = {
      curve: 'P-256',
      point: bytes.subarray(0, slot.digest),
      digest: bytes.subarray(slot.digest, slot.length),
      signature: bytes.subarray(slot.signature, signatureEnd),
    } as const
    if (await verify(check)) answers[at] = 1
  }
  return answers
}

function fits({ curve, digest, signature }: EcdsaCheck): boolean {
  return (
    curve === 'P-256' &&
    digest.length === slot.length - slot.digest &&
    signature.length <= slot.end - slot.signature
  )
}

function pack(some: readonly Waiting[]): Uint8Array {
  const packed = new Uint8Array(some.length * slot.end)
  for (const [at, { check }] of some.entries()) {
    const start = at * slot.end
    packed.set(check.point, start)
    packed.set(check.digest, start + slot.digest)
    packed[start + slot.length] = check.signature.length
    packed.set(check.signature, start + slot.signature)
  }
  return packed
}
