/**
 * A monitor in the process of the logs that it follows: it watches identities, and meets a log whose database was changed by others. Its own
 * memory lies in the same PostgreSQL, so against who runs the stack only a monitor elsewhere helps.
 */
import path from 'node:path'
import type { ServedLog } from '@sigstack/log'
import { type Config as MonitorConfig, type RunningMonitor, startMonitor } from '@sigstack/monitor'
import { type Logger, makeFolder, replaceFile } from '@sigstack/server'
import { urlInLine } from '@sigstack/trust'
import type { Services } from './compose/compose-services.ts'

/** Of the data folder of the monitor. */
export const monitorLogsFile = (folder: string) => path.join(folder, 'logs.json')

/** Starts it with the logs of this process, and those that follow them, whose keys it finds in the published trust. */
export async function startOwnMonitor(
  config: MonitorConfig,
  options: { readonly logger: Logger; readonly processMetrics: boolean },
  { insideUrls, publicUrls, rekor }: Services,
  served: Readonly<Record<'rekorV2' | 'ct', readonly ServedLog[]>>,
): Promise<RunningMonitor> {
  const first = { name: 'rekor', kind: 'rekor-v1', url: insideUrls.rekor, trustedUrl: publicUrls.rekor }
  const line = (name: 'rekor-v2' | 'ct', service: 'rekorV2' | 'ct') => {
    const logs = served[service].map((log) => ({ ...log, prefix: name === 'ct' ? log.pathPrefix : '' }))
    return logs.map((log, at) => ({
      name: at === 0 ? name : `${name}-${at}`,
      kind: name,
      url: `${insideUrls[service]}${log.pathPrefix}`,
      trustedUrl: urlInLine(publicUrls[service], log, logs),
    }))
  }
  const logs = [...(rekor === undefined ? [] : [first]), ...line('rekor-v2', 'rekorV2'), ...line('ct', 'ct')]
  await makeFolder(path.dirname(config.logsFile), { mode: 0o700 })
  await replaceFile(config.logsFile, `${JSON.stringify({ logs }, null, 2)}\n`)
  return startMonitor(config, options)
}
