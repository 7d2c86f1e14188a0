import { type AddressInfo, createServer } from 'node:net'
import { createLogger } from '@sigstack/server'
import type { Test } from 'tap'
import { type RunningDevIssuer, readConfig, startDevIssuer } from '../src/index.ts'

/** A running issuer on a free port, mounted below `path`. */
export async function startIssuer(
  t: Test,
  { path = '', logLines }: { path?: string; logLines?: string[] } = {},
): Promise<RunningDevIssuer> {
  const port = await freePort()
  const config = readConfig({
    SIGSTACK_TRIAL: '1',
    DEV_ISSUER_PORT: String(port),
    DEV_ISSUER_URL: `http://127.0.0.1:${port}${path}`,
    DEV_ISSUER_DATA: t.testdir(),
  })
  const logger = createLogger({
    name: 'test',
    level: logLines === undefined ? 'silent' : 'info',
    destination: { write: (line) => logLines?.push(line) },
  })
  const running = await startDevIssuer(config, { logger, processMetrics: false })
  t.teardown(() => running.stop())
  return running
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
