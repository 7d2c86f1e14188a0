/** Log replicas as processes of their own over one database. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { type ServiceProcess, startService } from './service-process.ts'

export type ReplicaOptions = {
  /** For key, password and what the replicas log. */
  readonly folder: string
  readonly databaseUrl: string
  readonly environment?: NodeJS.ProcessEnv
}

export type Replica = ServiceProcess

export const replicaPassword = 'of the fault run'
export const replicaKey = (folder: string): string => path.join(folder, 'rekor.key.pem')

export async function startReplica({ folder, databaseUrl, environment }: ReplicaOptions): Promise<Replica> {
  await mkdir(folder, { recursive: true })
  const passwordFile = path.join(folder, 'password')
  await writeFile(passwordFile, `${replicaPassword}\n`, { mode: 0o600 })
  const [port] = await freePorts(1)
  return startService({
    name: 'log',
    environment: {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: '127.0.0.1',
      LOG_PORT: String(port),
      DATABASE_URL: databaseUrl,
      LOG_KEY: replicaKey(folder),
      LOG_KEY_PASSWORD_FILE: passwordFile,
      LOG_LEVEL: 'info',
      ...environment,
    },
    recordFile: path.join(folder, 'replicas.log'),
  })
}
