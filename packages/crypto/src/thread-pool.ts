/**
 * When a check is worth a trip to the thread pool. The trip costs two context switches, some 15 µs together; the check of a P-256 or RSA
 * signature takes 30 to 70. With cores to spare the event loop gains by it. On one or two, which the database and the clients share, it
 * loses: 240 µs of processor time for a whole append in place of 290, and half as much again in throughput.
 */
import { availableParallelism } from 'node:os'
import type { PublicKeyKind } from './public-key.ts'

export const hasSpareCores = availableParallelism() > 2

/** P-384 and P-521 take a quarter of a millisecond and more, which nobody else should have to wait for. */
export function isSlowToVerify(key: Pick<PublicKeyKind, 'type'> & { readonly curve?: string }): boolean {
  return key.type === 'ecdsa' && key.curve !== 'P-256'
}

/** A P-384 signature takes 0.6 ms, one of RSA with 4096 bits 1.3 ms; one of P-256 or Ed25519 some 30 µs. */
export function isSlowToSign(key: Pick<PublicKeyKind, 'type'> & { readonly curve?: string }): boolean {
  return key.type === 'rsa' || isSlowToVerify(key)
}
