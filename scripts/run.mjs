/**
 * Every `npm run` command goes through here, on whatever Node the machine has (20 or newer): it brings Node 24 and pnpm
 * through npm where they are missing, installs from the frozen lockfile, and hands over.
 *
 *   node scripts/run.mjs COMMAND [ARGUMENTS]
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const wanted = { node: '24.21.0', pnpm: '11.28.11' }
const oldestNode = [24, 15]

const commands = {
  start: () => [['node', '--max-semi-space-size=16', 'packages/cli/src/main.ts', 'up']],
  sigstack: () => [['node', 'packages/cli/src/main.ts']],
  test: () => [['node', 'scripts/test.ts']],
  check: () => [['node', 'scripts/check.ts']],
  format: () => [['biome', 'check', '--write', '.']],
  interop: () => [['node', 'e2e/interop/main.ts']],
  bench: () => [['node', 'e2e/load/bench.ts']],
  faults: () => [['node', 'e2e/faults/main.ts']],
  fuzz: () => [['node', 'e2e/fuzz/main.ts']],
  differential: () => [['node', 'e2e/differential/main.ts']],
  'compose-test': () => [['node', 'e2e/compose/main.ts']],
}

/** These need no test tools, linters, compilers or libraries of key services, which are more than two thirds of everything. */
const lean = new Set(['start', 'sigstack'])

const [name = '', ...args] = process.argv.slice(2)
if (!Object.hasOwn(commands, name)) {
  fail(`unknown command ${JSON.stringify(name)}; there are: ${Object.keys(commands).join(', ')}`)
}
const environment = toolchain()
install(environment)
for (const [command, ...rest] of commands[name]()) await run(environment, command, [...rest, ...args])

/** The environment in which `node` is new enough and `pnpm` is there. */
function toolchain() {
  const base = {
    // glibc would give each thread memory of its own to keep: a fifth of the stack's under load.
    MALLOC_ARENA_MAX: '2',
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const newEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (newEnough && (isInstalled() || hasPnpm())) {
    return { ...base, PATH: `${path.dirname(process.execPath)}${path.delimiter}${base.PATH}` }
  }
  say(
    newEnough
      ? 'bringing pnpm through npm'
      : `this is Node ${process.versions.node}: bringing Node 24 and pnpm through npm`,
  )
  const packages = [`pnpm@${wanted.pnpm}`, ...(newEnough ? [] : [`node@${wanted.node}`])]
  const found = spawnSync(
    'npx',
    [
      '--yes',
      '--loglevel=error',
      ...packages.flatMap((each) => ['-p', each]),
      '-c',
      'node -p "JSON.stringify(process.env.PATH)"',
    ],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  if (found.status !== 0) {
    fail(
      'npm could not bring Node 24 and pnpm: see its message above. Installing Node 24.15 or newer yourself is enough too.',
    )
  }
  return { ...base, PATH: JSON.parse(found.stdout.trim().split('\n').at(-1)) }
}

function hasPnpm() {
  const { status, stdout } = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8' })
  return status === 0 && Number(stdout.split('.')[0]) >= 11
}

/** What is installed is told by the hash of everything that decides it. */
function lockHash() {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.taprc'])
    hash.update(readFileSync(path.join(root, file)))
  return hash.digest('hex')
}

function marker() {
  return path.join(root, 'node_modules/.cache/sigstack-installed')
}

/** `all`, `lean` or nothing, and for which lockfile. */
function installed() {
  const [scope = '', hash = ''] = existsSync(marker()) ? readFileSync(marker(), 'utf8').split(' ') : []
  return { scope, isCurrent: hash === lockHash() }
}

/** Whoever has worked here with all of it keeps all of it. */
function wantedScope() {
  return lean.has(name) && installed().scope !== 'all' ? 'lean' : 'all'
}

function isInstalled() {
  const { scope, isCurrent } = installed()
  return isCurrent && (scope === 'all' || scope === wantedScope())
}

function install(env) {
  if (isInstalled()) return
  say('installing from the lockfile')
  const scope = wantedScope()
  const selection = scope === 'lean' ? ['--prod', '--filter', '@sigstack/cli...'] : []
  const options = ['--frozen-lockfile', '--config.confirmModulesPurge=false', ...selection]
  const pnpm = spawnSync('pnpm', ['install', ...options], {
    cwd: root,
    env: { ...env, npm_config_update_notifier: 'false', PNPM_CONFIG_UPDATE_NOTIFIER: 'false' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (pnpm.status !== 0) fail('the installation failed: see the message of pnpm above')
  mkdirSync(path.dirname(marker()), { recursive: true })
  writeFileSync(marker(), `${scope} ${lockHash()}`)
}

/** Signals reach the child by the terminal or by us; its status becomes ours. */
async function run(env, command, commandArgs) {
  const child = spawn(command, commandArgs, { cwd: root, env, stdio: 'inherit' })
  const forward = (signal) => child.kill(signal)
  // A Ctrl-C is sent to the whole group by the terminal already; twice would mean "at once" to the child.
  const ignore = () => {}
  process.on('SIGTERM', forward)
  process.on('SIGINT', process.stdin.isTTY ? ignore : forward)
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`)
      resolve([1, null])
    })
    child.on('exit', (...result) => resolve(result))
  })
  if (code !== 0) process.exit(code ?? (signal === 'SIGINT' ? 130 : 143))
}

function say(message) {
  process.stderr.write(`sigstack: ${message}\n`)
}

function fail(message) {
  say(message)
  process.exit(1)
}
