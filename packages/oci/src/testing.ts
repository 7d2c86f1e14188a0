/** Registries that others wrote, as processes of this machine: for tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

export type RegistryProcess = {
  /** Address and port. */
  readonly host: string
  stop(): Promise<void>
}

/** Each says in its own words where it listens. Rejects with the error of the system where it cannot be started. */
export async function startRegistryProcess(
  program: string,
  args: readonly string[],
): Promise<RegistryProcess> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const host = await new Promise<string>((resolve, reject) => {
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece: Buffer) => {
        if (said.length < 100_000) said += piece.toString()
        const [, found] = /listening on (127\.0\.0\.1:[0-9]+)/.exec(said) ?? []
        if (found !== undefined) resolve(found)
      })
    child.on('error', reject)
    child.on('exit', () => reject(new Error(`${program} ended: ${said.slice(-300)}`)))
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return { host, stop }
}

export type DistributionSettings = {
  /** YAML, inside the section of that name. */
  readonly http?: string
  /** YAML, beside the other sections. */
  readonly sections?: string
  /** Default: true. */
  readonly deletes?: boolean
}

/** `distribution` of version 2 or 3, empty, on a free port; what it keeps is below `folder`. */
export async function startDistribution(
  program: string,
  folder: string,
  { http = '', sections = '', deletes = true }: DistributionSettings = {},
): Promise<RegistryProcess> {
  await mkdir(folder, { recursive: true })
  const config = path.join(folder, 'config.yml')
  const root = JSON.stringify(path.join(folder, 'data'))
  await writeFile(
    config,
    `version: 0.1
log: { accesslog: { disabled: true }, level: info }
storage: { filesystem: { rootdirectory: ${root} }, delete: { enabled: ${deletes} } }
http: { addr: "127.0.0.1:0"${http} }
${sections}
`,
  )
  return startRegistryProcess(program, ['serve', config])
}

/** Where Debian's docker-registry (distribution 2.8) is, on a machine that has it. */
export function findDockerRegistry(): string | undefined {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'docker-registry'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
