/** Tells operators how signatures over digests are verified here: the way that works everywhere is a slow one. */
import { type DigestVerification, probeDigestVerification } from '@sigstack/crypto'
import { Gauge, type Registry } from 'prom-client'
import type { Logger } from './logger.ts'

/** Called at the start of a service, so that nobody waits for the probe and the warning stands where people look. */
export async function tellOfDigestVerification(
  logger: Logger,
  registry: Registry,
  probe: () => Promise<DigestVerification> = probeDigestVerification,
): Promise<void> {
  const { backend, warning } = await probe()
  if (warning !== undefined) logger.warn({ backend }, warning)
  new Gauge({
    name: 'digest_verification_slow',
    help: '1 when signatures over digests are verified in JavaScript, some 50 times slower than by OpenSSL',
    labelNames: ['backend'] as const,
    registers: [registry],
  }).set({ backend }, warning === undefined ? 0 : 1)
}
