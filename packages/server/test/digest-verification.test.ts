import t from 'tap'
import { createLogger, createRegistry, tellOfDigestVerification } from '../src/index.ts'

async function told(verification: Parameters<typeof tellOfDigestVerification>[2]) {
  const lines: string[] = []
  const logger = createLogger({ name: 'log', destination: { write: (line) => lines.push(line) } })
  const registry = createRegistry({ processMetrics: false })
  await tellOfDigestVerification(logger, registry, verification)
  return { lines, metrics: await registry.metrics() }
}

t.test('the slow way of verifying is in the log and on a gauge, the quick one on the gauge', async (t) => {
  const slow = await told(async () => ({ backend: 'noble', warning: 'it is slow: install koffi' }))
  t.equal(slow.lines.length, 1)
  t.match(JSON.parse(slow.lines[0] ?? ''), {
    level: 'warn',
    backend: 'noble',
    msg: 'it is slow: install koffi',
  })
  t.match(slow.metrics, /^digest_verification_slow\{backend="noble"\} 1$/m)
  const quick = await told(async () => ({ backend: 'openssl' }))
  t.same(quick.lines, [])
  t.match(quick.metrics, /^digest_verification_slow\{backend="openssl"\} 0$/m)
})
