/**
 * The few calls of a PKCS #11 module (Cryptoki 2.40) that signing needs, through koffi. Structures are laid out by hand for
 * 64-bit Linux and macOS, where CK_ULONG has 8 bytes and nothing is packed. Runs in the module's own process only (host.ts).
 */
import { withoutEnd } from '@sigstack/crypto'
import koffi from 'koffi'
import { ulongBytes as ulong } from './constants.ts'

/** The module answered something other than CKR_OK. */
class CryptokiFailure extends Error {
  override readonly name = 'CryptokiFailure'
  /** CK_RV. */
  readonly rv: number
  readonly call: string
  constructor(call: string, rv: number) {
    super(`${call} answers 0x${rv.toString(16)}`)
    this.call = call
    this.rv = rv
  }
}

const ckr = { userAlreadyLoggedIn: 0x100, alreadyInitialized: 0x191 } as const

export type TokenInfo = {
  readonly slotId: number
  readonly token: string
  readonly manufacturer: string
  readonly model: string
  readonly serial: string
}

export type Attribute = { readonly type: number; readonly value: Uint8Array }

export type Cryptoki = {
  /** Tokens that are present. */
  tokens(): Promise<readonly TokenInfo[]>
  /** A read-only session. */
  openSession(slotId: number): Promise<bigint>
  /** As user. Being logged in already is fine: one login is for all sessions of a process. */
  logIn(session: bigint, pin: string): Promise<void>
  /** Handles of at most `limit` objects. */
  findObjects(session: bigint, template: readonly Attribute[], limit: number): Promise<readonly bigint[]>
  /** Undefined where the object has no such attribute. */
  readAttribute(session: bigint, object: bigint, type: number): Promise<Buffer | undefined>
  sign(session: bigint, key: bigint, mechanism: number, data: Uint8Array): Promise<Buffer>
}

const flags = { osLocking: 2n, serialSession: 4n }
const userType = 1
/** CK_UNAVAILABLE_INFORMATION. */
const unavailable = 2n ** 64n - 1n
const longestAttribute = 16 * 1024
const longestSignature = 1024
const mostSlots = 256

/** Places in CK_FUNCTION_LIST, and the parameters of each function. */
const functions = {
  C_Initialize: [0, ['void *']],
  C_GetSlotList: [4, ['uchar', 'void *', 'void *']],
  C_GetTokenInfo: [6, ['ulong', 'void *']],
  C_OpenSession: [12, ['ulong', 'ulong', 'void *', 'void *', 'void *']],
  C_Login: [18, ['ulong', 'ulong', 'void *', 'ulong']],
  C_GetAttributeValue: [24, ['ulong', 'ulong', 'void *', 'ulong']],
  C_FindObjectsInit: [26, ['ulong', 'void *', 'ulong']],
  C_FindObjects: [27, ['ulong', 'void *', 'ulong', 'void *']],
  C_FindObjectsFinal: [28, ['ulong']],
  C_SignInit: [42, ['ulong', 'void *', 'ulong']],
  C_Sign: [43, ['ulong', 'void *', 'ulong', 'void *', 'void *']],
} as const satisfies Record<string, readonly [number, readonly string[]]>

type Name = keyof typeof functions

/** Loads and initialises the module. Throws what koffi says where it is no library. */
export async function loadCryptoki(modulePath: string): Promise<Cryptoki> {
  const call = bind(modulePath)

  // CK_C_INITIALIZE_ARGS: calls come from several threads, and the module is to use the system's locks.
  const initialize = Buffer.alloc(6 * ulong)
  initialize.writeBigUInt64LE(flags.osLocking, 4 * ulong)
  await call('C_Initialize', [initialize], { alsoFine: ckr.alreadyInitialized })

  return {
    async tokens() {
      const count = Buffer.alloc(ulong)
      count.writeBigUInt64LE(BigInt(mostSlots))
      const slots = Buffer.alloc(mostSlots * ulong)
      await call('C_GetSlotList', [1, slots, count])
      const infos: TokenInfo[] = []
      for (let at = 0; at < Number(count.readBigUInt64LE()); at++) {
        const slotId = Number(slots.readBigUInt64LE(at * ulong))
        // CK_TOKEN_INFO begins with label, manufacturer, model and serial number, padded with blanks.
        const info = Buffer.alloc(256)
        await call('C_GetTokenInfo', [slotId, info])
        const text = (start: number, end: number): string =>
          withoutEnd(info.toString('utf8', start, end), ' \0')
        infos.push({
          slotId,
          token: text(0, 32),
          manufacturer: text(32, 64),
          model: text(64, 80),
          serial: text(80, 96),
        })
      }
      return infos
    },
    async openSession(slotId) {
      const session = Buffer.alloc(ulong)
      await call('C_OpenSession', [slotId, flags.serialSession, null, null, session])
      return session.readBigUInt64LE()
    },
    async logIn(session, pin) {
      const bytes = Buffer.from(pin)
      await call('C_Login', [session, userType, bytes, bytes.length], { alsoFine: ckr.userAlreadyLoggedIn })
    },
    async findObjects(session, attributes, limit) {
      const values = attributes.map(({ value }) => Buffer.from(value))
      const template = encodeTemplate(
        attributes.map(({ type }, at) => ({ type, value: values[at] ?? Buffer.alloc(0) })),
      )
      await call('C_FindObjectsInit', [session, template, attributes.length], { held: values })
      try {
        const handles = Buffer.alloc(limit * ulong)
        const count = Buffer.alloc(ulong)
        await call('C_FindObjects', [session, handles, limit, count])
        return Array.from({ length: Number(count.readBigUInt64LE()) }, (_, at) =>
          handles.readBigUInt64LE(at * ulong),
        )
      } finally {
        await call('C_FindObjectsFinal', [session])
      }
    },
    async readAttribute(session, object, type) {
      const value = Buffer.alloc(longestAttribute)
      const template = encodeTemplate([{ type, value }])
      try {
        await call('C_GetAttributeValue', [session, object, template, 1], { held: [value] })
      } catch (error) {
        // CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID.
        if (error instanceof CryptokiFailure && (error.rv === 0x11 || error.rv === 0x12)) return undefined
        throw error
      }
      const length = template.readBigUInt64LE(2 * ulong)
      return length === unavailable ? undefined : value.subarray(0, Number(length))
    },
    async sign(session, key, mechanism, data) {
      const parameters = Buffer.alloc(3 * ulong)
      parameters.writeBigUInt64LE(BigInt(mechanism))
      await call('C_SignInit', [session, parameters, key])
      const signature = Buffer.alloc(longestSignature)
      const length = Buffer.alloc(ulong)
      length.writeBigUInt64LE(BigInt(longestSignature))
      await call('C_Sign', [session, Buffer.from(data), data.length, signature, length])
      return signature.subarray(0, Number(length.readBigUInt64LE()))
    },
  }
}

type Call = (
  name: Name,
  args: readonly unknown[],
  options?: {
    /** Another answer than CKR_OK that is none to complain about. */
    readonly alsoFine?: number
    /** What `args` points to. */
    readonly held?: readonly Buffer[]
  },
) => Promise<void>

/** koffi unloads a library that nothing refers to any more, and functions that were found by their address do not count. */
const libraries: ReturnType<typeof koffi.load>[] = []

/** Calls run on koffi's threads, so that a token that takes its time holds up no other session. */
function bind(modulePath: string): Call {
  const library = koffi.load(modulePath)
  libraries.push(library)
  const place = Buffer.alloc(ulong)
  const rv = Number(library.func('C_GetFunctionList', 'ulong', ['void *'])(place))
  if (rv !== 0) throw new CryptokiFailure('C_GetFunctionList', rv)
  // CK_FUNCTION_LIST: a version of two bytes, then pointers.
  const last = functions.C_Sign[0]
  const pointers: readonly unknown[] = koffi.decode(
    place.readBigUInt64LE(),
    ulong,
    koffi.array('void *', last + 1),
  )
  const bound = new Map<string, Callable>()
  for (const [name, [index, parameters]] of Object.entries(functions)) {
    const type = koffi.proto('ulong', [...parameters])
    bound.set(name, koffi.decode(pointers[index], type) as Callable)
  }
  return (name, args, { alsoFine = 0, held = [] } = {}) =>
    new Promise((resolve, reject) => {
      // The callback holds the buffers, which must outlive the call.
      const settle = (_buffers: readonly unknown[], error: unknown, result: unknown): void => {
        const rv = Number(result)
        if (error !== null) reject(error as Error)
        else if (rv === 0 || rv === alsoFine) resolve()
        else reject(new CryptokiFailure(name, rv))
      }
      bound
        .get(name)
        ?.async(...args, (error: unknown, result: unknown) => settle([args, held], error, result))
    })
}

type Callable = { async(...args: readonly unknown[]): void }

/** CK_ATTRIBUTE: type, pointer to the value, its length. */
function encodeTemplate(attributes: readonly { readonly type: number; readonly value: Buffer }[]): Buffer {
  const bytes = Buffer.alloc(attributes.length * 3 * ulong)
  for (const [at, { type, value }] of attributes.entries()) {
    bytes.writeBigUInt64LE(BigInt(type), at * 3 * ulong)
    bytes.writeBigUInt64LE(koffi.address(value), at * 3 * ulong + ulong)
    bytes.writeBigUInt64LE(BigInt(value.length), at * 3 * ulong + 2 * ulong)
  }
  return bytes
}
