/** Log replicas in this process, whose keys and clocks can be tampered with. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type RunningLog, readConfig, type StartLogOptions, startLog } from '@sigstack/log'
import { createLogger } from '@sigstack/server'
import { replicaPassword } from './replicas.ts'

/** With the key of the replicas in the same folder, made if there is none yet. */
export async function startLogHere(
  folder: string,
  databaseUrl: string,
  options: Omit<StartLogOptions, 'logger' | 'pool'>,
): Promise<RunningLog> {
  await mkdir(folder, { recursive: true })
  const config = readConfig(
    {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: '127.0.0.1',
      LOG_PORT: '0',
      DATABASE_URL: databaseUrl,
      LOG_KEY: path.join(folder, 'rekor.key.pem'),
    },
    replicaPassword,
  )
  return startLog(config, { ...options, logger: createLogger({ name: 'log', level: 'silent' }) })
}
