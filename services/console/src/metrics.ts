/** Every metric of the console but those of HTTP, which the server's frame has. */
import type { Registry } from '@sigstack/server'
import { Gauge } from 'prom-client'

export function createMetrics(registry: Registry, openTails: () => number): void {
  new Gauge({
    name: 'console_open_tails',
    help: 'Readers of the live tail',
    registers: [registry],
    collect() {
      this.set(openTails())
    },
  })
}
