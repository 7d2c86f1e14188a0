/** What the stack's own monitor is told. */
import { type Config, readConfig, variables } from '@sigstack/monitor'
import { monitorLogsFile } from '../own-monitor.ts'
import type { Composition, DecidedHere } from './composition.ts'

export const decided = {
  schema: variables,
  variables: {
    MONITOR_HOST: '',
    MONITOR_LOGS_FILE: 'SIGSTACK_MONITOR',
    MONITOR_TRUSTED_ROOT_URL: '',
    MONITOR_TRUSTED_ROOT_FILE: '',
    MONITOR_TUF_URL: '',
  },
} as const satisfies DecidedHere

export function composeMonitor(
  { places, insideHost, read }: Composition,
  trustUrl: string,
): Config | undefined {
  return read(readConfig, decided, {
    standard: {
      // Where it is stands in endpoints.json.
      MONITOR_PORT: '0',
      MONITOR_DATABASE_CONNECTIONS: '2',
      // Whoever signs goes first.
      MONITOR_READ_SHARE_PERCENT: '5',
    },
    decided: {
      MONITOR_HOST: insideHost,
      MONITOR_LOGS_FILE: monitorLogsFile(places.data.monitor),
      MONITOR_TRUSTED_ROOT_URL: `${trustUrl}/trusted_root.json`,
      DATABASE_URL: places.databaseUrl,
    },
  })
}
