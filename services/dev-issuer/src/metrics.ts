/** Every metric of the trial issuer. */
import { Counter, type Registry } from 'prom-client'

export function countTrialTokens(registry: Registry): () => void {
  const tokens = new Counter({
    name: 'dev_issuer_trial_tokens_total',
    help: 'Tokens made for scripts',
    registers: [registry],
  })
  return () => tokens.inc()
}
