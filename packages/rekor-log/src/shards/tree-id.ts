/**
 * Tree IDs: positive 64-bit integers, decimal in answers and in the origin `<host name> - <tree ID>`, 16 hex digits in entry IDs.
 */

const largestTreeId = 2n ** 63n - 1n
const originForm = /^(\S+) - ([1-9]\d{0,18})$/

export function isTreeId(value: bigint): boolean {
  return value > 0n && value <= largestTreeId
}

/** `random` has 8 bytes; zero, the one value without meaning, becomes 1. */
export function treeIdFrom(random: Uint8Array): bigint {
  const value = Buffer.from(random).readBigUInt64BE() & largestTreeId
  return value === 0n ? 1n : value
}

export function originOf(hostname: string, treeId: bigint): string {
  return `${hostname} - ${treeId}`
}

/** The parts of a Rekor v1 origin; `undefined` when it is none. */
export function parseOrigin(origin: string): { hostname: string; treeId: bigint } | undefined {
  const [, hostname, digits] = originForm.exec(origin) ?? []
  if (hostname === undefined || digits === undefined) return undefined
  const treeId = BigInt(digits)
  return isTreeId(treeId) ? { hostname, treeId } : undefined
}

export function treeIdHex(treeId: bigint): string {
  return treeId.toString(16).padStart(16, '0')
}
