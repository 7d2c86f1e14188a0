/** One compose project of its own for the test: passwords, ports, issuer files and name apart from any other on the machine. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Endpoints } from '@sigstack/cli'
import { freePorts } from '@sigstack/server/free-ports'
import { type Engine, type Finished, lastLine, runCommand } from './engine.ts'

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))

export type Container = { readonly service: string; readonly id: string }

export type Project = {
  readonly endpoints: Endpoints
  /** Every password and whatever holds one. */
  readonly secrets: readonly string[]
  /** Throws with the last line of the output where the status is not 0; all of it is in the log file. */
  compose(...args: readonly string[]): Promise<string>
  /** What `compose config` says where the passwords were not made. */
  configWithoutSecrets(): Promise<Finished>
  containers(): Promise<readonly Container[]>
  /** Resolves when every container is healthy; throws when one has died or it takes too long. */
  waitUntilHealthy(timeoutMs?: number): Promise<void>
}

/** `interrupted` ends whatever compose is doing, but not its taking down. */
export async function createProject(
  engine: Engine,
  folder: string,
  logFile: string,
  interrupted: AbortSignal,
): Promise<Project> {
  const names = [
    'CA_PORT',
    'REKOR_PORT',
    'REKOR_V2_PORT',
    'CT_PORT',
    'TRUST_PORT',
    'TSA_PORT',
    'CONSOLE_PORT',
    'DEV_ISSUER_PORT',
  ] as const
  const free = await freePorts(names.length)
  const port = Object.fromEntries(names.map((name, i) => [name, String(free[i])])) as Record<
    (typeof names)[number],
    string
  >
  const url = (name: (typeof names)[number]): string => `http://localhost:${port[name]}`
  const issuer = url('DEV_ISSUER_PORT')
  const caConfigFile = path.join(folder, 'ca.yaml')
  const oidcIssuersFile = path.join(folder, 'oidc-issuers.json')
  const standard = (name: string): Promise<string> =>
    readFile(path.join(root, 'deploy/compose', name), 'utf8')
  await writeFile(caConfigFile, withIssuer(await standard('ca.yaml'), issuer))
  await writeFile(oidcIssuersFile, withIssuer(await standard('oidc-issuers.json'), issuer))

  const secretsFolder = path.join(folder, 'secrets')
  const envFile = path.join(folder, 'env')
  const emptyFile = path.join(folder, 'empty')
  await writeFile(emptyFile, '')
  const environment = {
    ...process.env,
    ...port,
    CA_CONFIG_FILE: caConfigFile,
    OIDC_ISSUERS_FILE: oidcIssuersFile,
    SIGSTACK_VERSION: 'compose-test',
    // Set, they would win over the file that init.sh writes.
    SIGSTACK_SECRETS: undefined,
  }
  const common = ['--project-name', 'sigstack-compose-test', '--file', path.join(root, 'docker-compose.yml')]

  async function compose(...args: readonly string[]): Promise<string> {
    const takesDown = args[0] === 'down'
    const options = { environment, logFile, ...(takesDown ? {} : { signal: interrupted }) }
    const { status, output } = await engine.compose([...common, '--env-file', envFile, ...args], options)
    if (status !== 0) throw new Error(`compose ${args.join(' ')} failed: ${lastLine(output)}`)
    return output
  }

  async function containers(): Promise<readonly Container[]> {
    const { output } = await engine.docker([
      'ps',
      '--all',
      '--no-trunc',
      '--filter',
      'label=com.docker.compose.project=sigstack-compose-test',
      '--format',
      '{{.Label "com.docker.compose.service"}} {{.ID}}',
    ])
    return output
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [service = '', id = ''] = line.split(' ')
        return { service, id }
      })
      .toSorted((a, b) => a.service.localeCompare(b.service))
  }

  async function waitUntilHealthy(timeoutMs = 180_000): Promise<void> {
    const end = performance.now() + timeoutMs
    for (;;) {
      const ids = (await containers()).map(({ id }) => id)
      const format = '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
      const { output } = await engine.docker(['inspect', '--format', format, ...ids])
      const waiting = output
        .trim()
        .split('\n')
        .filter((line) => !line.endsWith(' running healthy'))
      if (waiting.length === 0) return
      if (performance.now() > end) throw new Error(`not healthy after ${timeoutMs} ms: ${waiting.join(', ')}`)
      await sleep(500, undefined, { signal: interrupted })
    }
  }

  await initSecrets(secretsFolder, envFile, logFile)
  const secretFiles = await readdir(secretsFolder)
  return {
    endpoints: {
      services: {
        ca: url('CA_PORT'),
        rekor: url('REKOR_PORT'),
        'rekor-v2': url('REKOR_V2_PORT'),
        ct: url('CT_PORT'),
        trust: url('TRUST_PORT'),
        tsa: url('TSA_PORT'),
        'dev-issuer': issuer,
      },
      issuer,
      trust: {
        trustedRoot: `${url('TRUST_PORT')}/trusted_root.json`,
        signingConfig: `${url('TRUST_PORT')}/signing_config.v0.2.json`,
        clientTrustConfig: `${url('TRUST_PORT')}/trust_config.json`,
      },
    },
    secrets: await Promise.all(
      secretFiles.map(async (name) => (await readFile(path.join(secretsFolder, name), 'utf8')).trim()),
    ),
    compose,
    configWithoutSecrets: () =>
      engine.compose([...common, '--env-file', emptyFile, 'config'], { environment }),
    containers,
    waitUntilHealthy,
  }
}

/** The script that operators run; twice, since the second run must keep what the first made. */
async function initSecrets(folder: string, envFile: string, logFile: string): Promise<void> {
  const script = path.join(root, 'deploy/compose/init.sh')
  for (const _ of ['first', 'second']) {
    const { status, output } = await runCommand(script, [folder, envFile], { logFile })
    if (status !== 0) throw new Error(`init.sh failed: ${lastLine(output)}`)
  }
}

function withIssuer(text: string, issuer: string): string {
  return text.replaceAll('http://localhost:5558', issuer)
}
