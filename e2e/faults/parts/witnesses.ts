/** Witnesses as processes of their own, each with a schema and keys of its own. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withSearchPath } from '@sigstack/postgres/testing'
import { freePorts } from '@sigstack/server/free-ports'
import { type ServiceProcess, startService } from './service-process.ts'

export type WitnessProcess = ServiceProcess & {
  readonly name: string
  /** As policies name it. */
  readonly verifierKey: string
}

export type WitnessOptions = {
  readonly folder: string
  readonly name: string
  /** The schema of its name must be there. */
  readonly databaseUrl: string
  readonly logsFile: string
}

export async function startWitnessProcess(options: WitnessOptions): Promise<WitnessProcess> {
  const { folder, name, databaseUrl, logsFile } = options
  await mkdir(folder, { recursive: true })
  const [port] = await freePorts(1)
  const witness = await startService({
    name: 'witness',
    environment: {
      WITNESS_NAME: name,
      WITNESS_PORT: String(port),
      WITNESS_DATA: path.join(folder, name),
      WITNESS_KEY_PASSWORD: 'of the fault run',
      WITNESS_LOGS_FILE: logsFile,
      DATABASE_URL: withSearchPath(databaseUrl, name),
    },
    recordFile: path.join(folder, `${name}.log`),
  })
  const answer = await fetch(`${witness.url}/witness.v0.json`)
  const { verifier_keys: keys } = (await answer.json()) as { verifier_keys: readonly string[] }
  return { ...witness, name, verifierKey: keys[0] ?? '' }
}

/** Any `quorum` of them (C2SP tlog-policy). */
export async function writePolicy(
  file: string,
  witnesses: readonly WitnessProcess[],
  quorum: number,
): Promise<void> {
  const lines = witnesses.map(({ name, verifierKey, url }) => `witness ${name} ${verifierKey} ${url}\n`)
  const names = witnesses.map(({ name }) => name).join(' ')
  await writeFile(file, `${lines.join('')}group all-of-them ${quorum} ${names}\nquorum all-of-them\n`)
}
