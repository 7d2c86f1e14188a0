/**
 * `npm run compose-test`: docker-compose.yml for real. Builds the images, starts every container, signs and verifies through them,
 * looks at how they are confined, restarts them, and takes everything down again. Status 1 when anything is not as it must be.
 * Without a container engine nothing is run, nothing is claimed, and the status is 0.
 *
 * POSTGRES_IMAGE and REDIS_IMAGE name other images than those of docker-compose.yml. `--keep` leaves the containers running.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { reasonOf } from '@sigstack/crypto'
import { type Client, createClient } from './client.ts'
import { confinementComplaints, databaseComplaints } from './confinement.ts'
import { type Engine, findEngine } from './engine.ts'
import { createProject, type Project } from './project.ts'
import { auditLog, backUpLogs } from './upkeep.ts'

const services = [
  'ca',
  'console',
  'ct',
  'dev-issuer',
  'monitor',
  'oidc-proxy',
  'postgres',
  'redis',
  'rekor',
  'rekor-v2',
  'trust',
  'tsa',
]

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const engine = await findEngine()
if ('missing' in engine) say(`not run: no container engine (${engine.missing})`)
else process.exitCode = await testWith(engine)

async function testWith(engine: Engine): Promise<number> {
  say(engine.description)
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-compose-'))
  const logFile = path.join(folder, 'compose.log')
  let project: Project | undefined
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  let status = 0
  try {
    project = await createProject(engine, folder, logFile, interruption.signal)
    const client = await createClient(project.endpoints, folder, logFile)
    await runSteps(engine, project, client, folder)
    interruption.signal.throwIfAborted()
  } catch (error) {
    status = 1
    say(`FAILED: ${reasonOf(error)}`)
    await project?.compose('logs', '--no-color', '--tail', '40').catch(() => undefined)
  }
  if (project !== undefined && !values.keep) {
    try {
      await project.compose('down', '--volumes', '--remove-orphans')
      if ((await project.containers()).length > 0) throw new Error('containers are left')
      say('taken down, volumes too')
    } catch (error) {
      status = 1
      say(`FAILED: ${reasonOf(error)}`)
    }
  }
  if (!values.keep)
    await engine.docker(['image', 'prune', '--force', '--filter', 'label=sigstack.stage=build'])
  if (status === 0 && !values.keep) await rm(folder, { recursive: true, force: true })
  else say(`passwords, and what compose and the containers said, are in ${folder}`)
  say(status === 0 ? 'passed' : 'failed')
  return status
}

async function runSteps(engine: Engine, project: Project, client: Client, folder: string): Promise<void> {
  await step('without passwords compose refuses, and says what to do', async () => {
    const { status, output } = await project.configWithoutSecrets()
    if (status === 0 || !output.includes('Run deploy/compose/init.sh first'))
      throw new Error(`it said: ${output.trim().slice(-300)}`)
  })
  // Left by a run that was killed.
  await project.compose('down', '--volumes', '--remove-orphans')
  await step('images built', () => project.compose('--profile', 'tools', 'build'))
  await step('up, every container healthy', () => start(project))
  await step('signed and verified through the containers', async () => {
    await client.sign('first')
    await client.verify('first')
    await client.verifyRefuses('first')
  })
  await step('verified by sigstore-js from the root of the TUF repository', () =>
    client.verifyByMirror('first'),
  )
  await step('no root, no capability, nothing writable, no password in sight', async () => {
    const containers = await project.containers()
    const found = await Promise.all(
      containers.map((container) => confinementComplaints(engine, container, project.secrets)),
    )
    refuse([...found.flat(), ...(await databaseComplaints(engine, project))])
  })
  await step('log, CA and proxy restarted: the old signature verifies, a new one is made', async () => {
    await project.compose('restart', 'rekor', 'ca', 'oidc-proxy')
    await project.waitUntilHealthy()
    await client.verify('first')
    await client.sign('second')
    await client.verify('second')
  })
  await step('all containers replaced: keys and logs are found again in the volumes', async () => {
    const before = await keysOf(project)
    await project.compose('down')
    await start(project)
    if ((await keysOf(project)) !== before) throw new Error('the services have other keys than before')
    await client.verify('first')
    await client.sign('third')
    await client.verify('third')
    await client.verifyByMirror('third')
  })
  await step('Rekor log audited by the command in a container', () => auditLog(project, { signed: 3 }))
  await step('both logs backed up from a container to a folder of the host', () =>
    backUpLogs(project, folder),
  )
}

async function start(project: Project): Promise<void> {
  await project.compose('up', '--detach')
  await project.waitUntilHealthy()
  const running = (await project.containers()).map(({ service }) => service)
  if (running.join() !== services.join()) throw new Error(`running are only ${running.join(', ')}`)
}

/** What every service signs with, as it says itself. */
async function keysOf({ endpoints }: Project): Promise<string> {
  const { ca, rekor, 'rekor-v2': rekorV2, ct, trust, 'dev-issuer': issuer } = endpoints.services
  const addresses = [
    `${ca}/api/v1/rootCert`,
    `${rekor}/api/v1/log/publicKey`,
    `${rekorV2}/publicKey`,
    `${ct}/publicKey`,
    `${trust}/tuf/1.root.json`,
    `${issuer}/jwks`,
  ]
  const answers = await Promise.all(
    addresses.map(async (url) => {
      const answer = await fetch(url)
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
      return answer.text()
    }),
  )
  return answers.join('\n')
}

function refuse(complaints: readonly string[]): void {
  if (complaints.length > 0) throw new Error(complaints.join('; '))
}

async function step(name: string, action: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000
  // Building takes minutes, of which the engine tells only its log.
  const heartbeat = setInterval(() => say(`    ${name}: not yet, after ${Math.round(seconds())} s`), 20_000)
  try {
    await action()
  } catch (error) {
    throw new Error(`${name}: ${reasonOf(error)}`, { cause: error })
  } finally {
    clearInterval(heartbeat)
  }
  say(`ok  ${name} (${seconds().toFixed(1)} s)`)
}

function say(line: string): void {
  process.stdout.write(`compose-test: ${line}\n`)
}
