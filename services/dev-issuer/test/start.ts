import { createLogger } from '@sigstack/server'
import { freePorts } from '@sigstack/server/free-ports'
import type { Test } from 'tap'
import { readConfig, startDevIssuer } from '../src/index.ts'
import type { RunningDevIssuer } from '../src/start.ts'

/** A running issuer on a free port, mounted below `path`. */
export async function startIssuer(
  t: Test,
  { path = '', logLines }: { path?: string; logLines?: string[] } = {},
): Promise<RunningDevIssuer> {
  const [port] = await freePorts(1)
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
