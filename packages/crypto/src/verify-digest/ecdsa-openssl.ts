/**
 * ECDSA over a digest by `ECDSA_verify` of the OpenSSL that the Node binary itself exports, through koffi.
 *
 * Each check makes an EC_KEY, uses it once and frees it: keyless keys come once, so keeping them would gain nothing. On the thread
 * pool the event loop pays some 10 µs for a P-256 check in place of 47 µs; where there are no cores to spare it is
 * done in place (thread-pool.ts). P-384 and P-521 always go to the pool: a P-521 check takes 1 ms.
 */
import type Koffi from 'koffi'
import type { LibraryHandle } from 'koffi'
import type { EcCurve } from '../public-key.ts'
import { hasSpareCores } from '../thread-pool.ts'
import type { EcdsaCheck, VerifyEcdsaDigest } from './ecdsa-backend.ts'

/** NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1 of OpenSSL's obj_mac.h. */
const nids: Readonly<Record<EcCurve, number>> = { 'P-256': 415, 'P-384': 715, 'P-521': 716 }

/** Calls under way at once. koffi keeps memory ready for this many; beyond them it allocates anew for each call. */
const maxInFlight = 16

type Job = { readonly check: EcdsaCheck; readonly resolve: (valid: boolean) => void }

/** `undefined` where koffi is not installed or the binary does not export these functions. */
export async function createOpensslBackend(
  options: { readonly hasSpareCores: boolean } = { hasSpareCores },
): Promise<VerifyEcdsaDigest | undefined> {
  try {
    const { default: koffi } = await import('koffi')
    reserveMemory(koffi)
    const openssl = koffi.load(null)
    const functions: Openssl = {
      newKey: openssl.func('void *EC_KEY_new_by_curve_name(int nid)'),
      setPoint: openssl.func('int EC_KEY_oct2key(void *key, const uint8_t *point, size_t length, void *ctx)'),
      verify: openssl.func(
        'int ECDSA_verify(int type, const uint8_t *digest, int digestLength, const uint8_t *signature, int signatureLength, void *key)',
      ),
      freeKey: openssl.func('void EC_KEY_free(void *key)'),
      clearErrors: openssl.func('void ERR_clear_error()'),
    }
    const onPool = createPoolVerifier(functions)
    if (options.hasSpareCores) return onPool
    const inPlace = createInPlaceVerifier(functions)
    return (check) => (check.curve === 'P-256' ? inPlace(check) : onPool(check))
  } catch {
    return undefined
  }
}

function reserveMemory(koffi: Pick<typeof Koffi, 'config'>): void {
  try {
    koffi.config({ resident_async_pools: maxInFlight, async_heap_size: 16 * 1024 })
  } catch {
    // Somebody loaded a library before us, so koffi's settings are fixed: calls allocate, and work as well.
  }
}

type Openssl = Readonly<
  Record<'newKey' | 'setPoint' | 'verify' | 'freeKey' | 'clearErrors', ReturnType<LibraryHandle['func']>>
>

function createInPlaceVerifier(openssl: Openssl): VerifyEcdsaDigest {
  return ({ curve, point, digest, signature }) => {
    const key: unknown = openssl.newKey(nids[curve])
    const valid =
      openssl.setPoint(key, point, point.length, null) === 1 &&
      openssl.verify(0, digest, digest.length, signature, signature.length, key) === 1
    // OpenSSL keeps errors per thread, and Node's own calls on this thread should not find ours.
    if (!valid) openssl.clearErrors()
    openssl.freeKey(key)
    return Promise.resolve(valid)
  }
}

function createPoolVerifier(openssl: Openssl): VerifyEcdsaDigest {
  const waiting: Job[] = []
  let inFlight = 0

  const start = (job: Job) => {
    const { curve, point, digest, signature } = job.check
    const key: unknown = openssl.newKey(nids[curve])
    const finish = (valid: boolean) => {
      openssl.freeKey(key)
      inFlight--
      const next = waiting.shift()
      if (next !== undefined) start(next)
      job.resolve(valid)
    }
    inFlight++
    if (openssl.setPoint(key, point, point.length, null) !== 1) {
      openssl.clearErrors()
      return finish(false)
    }
    // The callback holds `job` and with it the arrays, which must outlive the call.
    openssl.verify.async(
      0,
      digest,
      digest.length,
      signature,
      signature.length,
      key,
      (error: unknown, result: unknown) => finish(error === null && result === 1),
    )
  }

  return (check) =>
    new Promise((resolve) => {
      const job = { check, resolve }
      if (inFlight < maxInFlight) start(job)
      else waiting.push(job)
    })
}
