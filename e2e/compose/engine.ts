/** The container engine and its compose command, by their command lines. */
import { type SpawnOptions, spawn } from 'node:child_process'
import { appendFile } from 'node:fs/promises'

export type Finished = { readonly status: number; readonly output: string }

export type Engine = {
  /** For people: names and versions. */
  readonly description: string
  docker(args: readonly string[]): Promise<Finished>
  compose(args: readonly string[], options?: RunOptions): Promise<Finished>
}

export type RunOptions = {
  readonly environment?: NodeJS.ProcessEnv
  /** Gets a copy of what the command prints. */
  readonly logFile?: string
  /** Terminates the command. */
  readonly signal?: AbortSignal
}

/** Undefined, with the reason, where no engine answers or it has no compose command. */
export async function findEngine(): Promise<Engine | { readonly missing: string }> {
  const server = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'])
  if (server.status !== 0) return { missing: lastLine(server.output) || 'docker does not answer' }
  for (const [command = '', ...first] of [['docker', 'compose'], ['docker-compose']]) {
    const version = await runCommand(command, [...first, 'version', '--short'])
    if (version.status !== 0) continue
    return {
      description: `engine ${lastLine(server.output)}, compose ${lastLine(version.output)}`,
      docker: (args) => runCommand('docker', args),
      compose: (args, options) => runCommand(command, [...first, ...args], options),
    }
  }
  return { missing: 'the engine answers, but neither "docker compose" nor "docker-compose" is there' }
}

/** Both streams together, in the order of their arrival. Never throws: a command that is not there has status 127. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const spawnOptions: SpawnOptions = {
    env: options.environment ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
  const child = spawn(command, [...args], spawnOptions)
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const status = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      chunks.push(Buffer.from(error.message))
      // A terminated command still has to end.
      if (child.pid === undefined) resolve(127)
    })
    child.on('close', (code) => resolve(code ?? 128))
  })
  const output = Buffer.concat(chunks).toString('utf8')
  if (options.logFile !== undefined)
    await appendFile(options.logFile, `$ ${command} ${args.join(' ')}\n${output}\n`)
  return { status, output }
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? ''
}
