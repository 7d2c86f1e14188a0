/**
 * How much one proposal may cost to verify, whatever it is made of. Its parts are bounded one by one (signatures, keys, certificates
 * of a chain), but what they cost is a product, and a P-521 check costs twenty of P-256. So each check is paid for before it is made,
 * out of what the proposal has.
 *
 * The account goes beside the calls, not through them: a kind that makes a check in its own way cannot forget to hand it on.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EntryError } from './errors.ts'

/** A signature that held. */
export type Held = {
  /** DER SubjectPublicKeyInfo of the key that made it, where it has one. */
  readonly spki: Uint8Array | undefined
  readonly signature: Uint8Array
}

type Account = {
  readonly limit: number
  left: number
  readonly hashed: WeakSet<Uint8Array>
  readonly held: Held[]
}

const accounts = new AsyncLocalStorage<Account>()

/** In checks of P-256: as many as a proposal of an honest sender needs several times over. */
export const defaultWorkLimit = 64

/** More than anything costs, and little enough to be counted down exactly. */
const unbounded = 2 ** 40

/** Bytes that are hashed once more for the price of one check; what is shorter costs less than its check does. */
export const bytesPerUnit = 131_072

/**
 * Runs `verify`, which throws EntryError `too_costly` once its checks would cost more than `limit` checks of P-256. Within the work of
 * another it has no more than that has left, and what it costs is taken from there too. `held` gets the signatures that hold.
 */
export function withinWork<T>(limit: number, verify: (held: readonly Held[]) => Promise<T>): Promise<T> {
  const outer = accounts.getStore()
  const left = outer === undefined ? limit : Math.min(limit, Math.max(outer.left, 0))
  const account: Account = { limit, left, hashed: new WeakSet(), held: [] }
  const verified = accounts.run(account, verify, account.held)
  if (outer === undefined) return verified
  return verified.finally(() => {
    outer.left -= left - account.left
  })
}

/** What `read` costs, in checks of P-256: for who bounds many together, of which each alone was paid for at the door. */
export function costOf<T>(read: () => T): { readonly value: T; readonly units: number } {
  const account: Account = { limit: unbounded, left: unbounded, hashed: new WeakSet(), held: [] }
  const value = accounts.run(account, read)
  return { value, units: unbounded - account.left }
}

/** Takes what comes next out of the proposal's account, in checks of P-256. Outside of a proposal nothing is counted. */
export function spend(units: number): void {
  const account = accounts.getStore()
  if (account === undefined) return
  account.left -= units
  if (account.left < 0)
    throw new EntryError(
      'too_costly',
      `verifying the entry would cost more than ${account.limit} checks of P-256 signatures: ` +
        'it has too many signatures, keys or certificates, or too much within',
    )
}

/** The first pass over a message is as long as the proposal, and free; those that follow are not. */
export function spendForHashing(message: Uint8Array): void {
  if (message.length < bytesPerUnit) return
  const hashed = accounts.getStore()?.hashed
  if (hashed?.has(message)) spend(message.length / bytesPerUnit)
  else hashed?.add(message)
}

/** A check that came out well is remembered beside the calls, as it was paid for. */
export function noteHeld(spki: Uint8Array | undefined, signature: Uint8Array): void {
  accounts.getStore()?.held.push({ spki, signature })
}
