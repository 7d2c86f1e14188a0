/**
 * A monitor in the process of the logs that it follows: it watches identities, and meets a log whose database was changed by others. Its own
 * memory lies in the same PostgreSQL, so against who runs the stack only a monitor elsewhere helps.
 */
import path from 'node:path'
import { type Config as MonitorConfig, type RunningMonitor, startMonitor } from '@sigstack/monitor'
import { type Logger, makeFolder, replaceFile } from '@sigstack/server'
import type { Services } from './compose.ts'

/** Of the data folder of the monitor. */
export const monitorLogsFile = (folder: string) => path.join(folder, 'logs.json')

/** Starts it with the logs of this process, whose keys it finds in the published trust. */
export async function startOwnMonitor(
  config: MonitorConfig,
  options: { readonly logger: Logger; readonly processMetrics: boolean },
  { insideUrls, publicUrls, rekor, rekorV2, ct }: Services,
): Promise<RunningMonitor> {
  const entry = (name: string, kind: string, service: 'rekor' | 'rekorV2' | 'ct') => ({
    name,
    kind,
    url: insideUrls[service],
    trustedUrl: publicUrls[service],
  })
  const logs = [
    ...(rekor === undefined ? [] : [entry('rekor', 'rekor-v1', 'rekor')]),
    ...(rekorV2 === undefined ? [] : [entry('rekor-v2', 'rekor-v2', 'rekorV2')]),
    ...(ct === undefined ? [] : [entry('ct', 'ct', 'ct')]),
  ]
  await makeFolder(path.dirname(config.logsFile), { mode: 0o700 })
  await replaceFile(config.logsFile, `${JSON.stringify({ logs }, null, 2)}\n`)
  return startMonitor(config, options)
}
