/**
 * The process that a PKCS #11 module lives in. A module is a vendor's C code: here it can crash without taking the service along, and be
 * ended when it hangs, which nothing in the service's own process could do (docs/adr/0007-keys-in-tokens-by-ffi.md).
 */
import { errorCode, reasonOf } from '@sigstack/crypto'
import type { SignerErrorCode } from '../errors.ts'
import type { Cryptoki } from './cryptoki.ts'
import { findKey, findSlot, KeyTrouble } from './find-key.ts'
import type { FoundKey, HostAnswer, HostMessage, HostRequest } from './protocol.ts'
import { createSessions, type Sessions } from './sessions.ts'

let loading: Promise<Cryptoki> | undefined
const sessionsOfSlot = new Map<number, Sessions>()
/** PINs that were accepted. */
const pinOfSlot = new Map<number, string>()

// A terminal's Ctrl-C or end goes to every process. The service decides when this one ends, since it may still have to sign.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('SIGHUP', () => undefined)
// The service has ended. Not exit, which waits for a call that hangs.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', ({ id, request }: HostMessage) => {
  void answer(request).then((reply) => process.send?.({ id, reply }))
})

async function answer(request: HostRequest): Promise<HostAnswer> {
  try {
    return { ok: true, value: request.op === 'open' ? await open(request) : await sign(request) }
  } catch (error) {
    return { ok: false, ...complaintOf(error, request.op) }
  }
}

async function open({
  modulePath,
  token,
  key,
  pin,
}: Extract<HostRequest, { op: 'open' }>): Promise<FoundKey> {
  const cryptoki = await load(modulePath)
  const slotId = await findSlot(cryptoki, token)
  return sessionsOf(cryptoki, slotId).use(async (session) => {
    await logIn(cryptoki, session, slotId, pin)
    const { handle, publicKey } = await findKey(cryptoki, session, key)
    return { key: { slotId, handle }, publicKey }
  })
}

async function sign({
  modulePath,
  key,
  mechanism,
  data,
}: Extract<HostRequest, { op: 'sign' }>): Promise<Uint8Array> {
  const cryptoki = await load(modulePath)
  return sessionsOf(cryptoki, key.slotId).use((session) =>
    cryptoki.sign(session, key.handle, mechanism, data),
  )
}

/** One login is for the whole process, so a token that is open already would take any PIN: that it is the same is ours to see. */
async function logIn(
  cryptoki: Cryptoki,
  session: bigint,
  slotId: number,
  pin: string | undefined,
): Promise<void> {
  const accepted = pinOfSlot.get(slotId)
  if (pin === accepted) return
  if (pin === undefined) throw new KeyTrouble(...noPin)
  if (accepted !== undefined) throw new KeyTrouble(...wrongPin)
  await cryptoki.logIn(session, pin)
  pinOfSlot.set(slotId, pin)
}

/** Once: this process is for one module. */
function load(modulePath: string): Promise<Cryptoki> {
  loading ??= import('./cryptoki.ts').then(({ loadCryptoki }) => loadCryptoki(modulePath))
  return loading
}

function sessionsOf(cryptoki: Cryptoki, slotId: number): Sessions {
  const known = sessionsOfSlot.get(slotId)
  if (known !== undefined) return known
  const sessions = createSessions(() => cryptoki.openSession(slotId))
  sessionsOfSlot.set(slotId, sessions)
  return sessions
}

type Trouble = readonly [SignerErrorCode, string]

const wrongPin: Trouble = ['wrong_password', 'is on a token that does not accept the PIN']
const noPin: Trouble = ['password_missing', 'is on a token that wants a PIN; name its file with pin-source']
const userNotLoggedIn = 0x101

/** CK_RV of an answer to what the operator can do about it. */
const troubles: ReadonlyMap<number, Trouble> = new Map([
  [0xa0, wrongPin],
  [0xa1, wrongPin],
  [0xa2, ['wrong_password', 'is on a token whose PIN has another length']],
  [0xa3, ['permission_denied', 'is on a token whose PIN has expired']],
  [0xa4, ['permission_denied', 'is on a token whose PIN is locked after too many wrong ones']],
  [userNotLoggedIn, noPin],
  [0x63, ['unsupported_key', 'is a key of another type than it says']],
  [0x68, ['unsupported_key', 'is a key that may not sign']],
  [0x70, ['unsupported_key', 'is on a token that does not sign with keys of this type']],
])

function complaintOf(
  error: unknown,
  op: HostRequest['op'],
): { readonly code: SignerErrorCode; readonly message: string } {
  if (error instanceof KeyTrouble) return { code: error.code, message: error.message }
  const text = reasonOf(error)
  if (error instanceof Error && 'rv' in error && typeof error.rv === 'number') {
    // A token that has logged us out takes us in again in a fresh process.
    const isLoggedOut = op === 'sign' && error.rv === userNotLoggedIn
    const failing: Trouble = ['unreachable', `is on a token that fails: ${text}`]
    const [code, message] = (isLoggedOut ? undefined : troubles.get(error.rv)) ?? failing
    return { code, message }
  }
  if (errorCode(error) === 'ERR_MODULE_NOT_FOUND')
    return {
      code: 'package_missing',
      message: 'needs the package koffi, which is not installed; add it as docs/operations/ca-keys.md says',
    }
  return { code: 'unreadable', message: `has a module-path that cannot be loaded: ${text}` }
}
