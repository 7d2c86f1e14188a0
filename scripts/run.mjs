/**
 * Every `npm run` command goes through here, on whatever Node the machine has (20 or newer): it brings Node 24 and pnpm
 * through npm where they are missing, once, installs from the frozen lockfile, and hands over.
 *
 *   node scripts/run.mjs COMMAND [ARGUMENTS]
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { forgetOld, programsFolder } from './programs/kept.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const oldestNode = [24, 15]
const commandLine = path.join(root, 'packages/cli/src/main.ts')

/** What each runs, and a line of help; those without help of their own are told of here. */
const commands = {
  start: {
    run: ['node', '--max-semi-space-size=32', commandLine, 'up'],
    about: 'the whole stack, until Ctrl-C',
    ownHelp: true,
    fromCaller: true,
  },
  sigstack: {
    run: ['node', commandLine],
    about: 'the command: npm run -s sigstack -- WORDS',
    ownHelp: true,
    fromCaller: true,
  },
  test: {
    run: ['node', 'scripts/test.ts'],
    about: 'every test; FILES or folders as arguments run those alone, --changed what a change can break',
  },
  check: { run: ['node', 'scripts/check.ts'], about: 'format, licences, lint and types' },
  format: { run: ['biome', 'check', '--write', '.'], about: 'mends what can be mended' },
  generate: { run: ['node', 'scripts/generate.ts'], about: 'the code of the protocol buffers, anew' },
  'build-tool': {
    run: ['node', 'scripts/build-tool.ts'],
    about: 'the tool as a package and as a single executable, in dist/ (docs/operations/install.md)',
  },
  prepack: {
    run: ['node', 'scripts/build-tool.ts', '--files'],
    about: 'what `npm pack` puts into the package; it calls this by itself',
  },
  'third-party': {
    run: ['node', 'scripts/third-party.ts'],
    about: 'writes THIRD-PARTY.md: every dependency that ships, with its licence',
  },
  interop: {
    run: ['node', 'e2e/interop/main.ts'],
    about: 'real clients against a running stack (docs/interop.md)',
  },
  conformance: {
    run: ['node', path.join(root, 'e2e/conformance/main.ts')],
    about: 'the protocol of sigstore-conformance, every case we have (docs/conformance.md)',
    fromCaller: true,
  },
  bench: {
    run: ['node', 'e2e/load/bench.ts'],
    about: 'throughput and latency, `audit` for an audit (docs/performance.md)',
  },
  faults: { run: ['node', 'e2e/faults/main.ts'], about: 'faults of every kind under load', ownHelp: true },
  fuzz: { run: ['node', 'e2e/fuzz/main.ts'], about: 'bodies that nobody sends, against every service' },
  differential: {
    run: ['node', 'e2e/differential/main.ts'],
    about: "ours beside upstream's servers, answer by answer (docs/differential.md)",
  },
  'compose-test': {
    run: ['node', 'e2e/compose/main.ts'],
    about: 'builds the images and signs and verifies in the compose project (docs/operations/containers.md)',
  },
}

/** These need no test tools, linters, compilers or libraries of key services, which are more than two thirds of everything. */
const lean = new Set(['start', 'sigstack'])

/** These start so many services and commands that the bundle is made for them first, which takes as long as three of their starts. */
const startsPrograms = new Set(['test', 'faults'])
/** `npm start` makes it for the next time, when who waits for this one has it. */
const bundlingAfterMs = 15_000

const [name = '', ...args] = process.argv.slice(2)
if (!Object.hasOwn(commands, name)) {
  if (name !== '' && name !== '--help') say(`there is no command ${JSON.stringify(name)}`)
  process.stderr.write(overview())
  process.exit(name === '--help' ? 0 : 2)
}
const command = commands[name]
// The programs that ship tell more by themselves, but for a tool of ours nobody should install everything first.
const hasOwnHelp = command.ownHelp === true && (lean.has(name) || isInstalled())
if (!hasOwnHelp && args.some((word) => word === '--help' || word === '-h')) {
  process.stdout.write(`npm run ${name}: ${command.about}\n${optionsOf(command.run)}`)
  process.exit(0)
}
const environment = await toolchain()
await install(environment)
const programs = programsFolder(root, installed().scope)
if (startsPrograms.has(name) && !existsSync(programs)) await bundle(environment)
if (name === 'start' && !existsSync(programs))
  setTimeout(bundle, bundlingAfterMs, environment, 'aside').unref()
await run(environment, command)

function overview() {
  const width = Math.max(...Object.keys(commands).map((each) => each.length))
  const lines = Object.entries(commands).map(([each, { about }]) => `  ${each.padEnd(width)}  ${about}\n`)
  return `npm run COMMAND [-- ARGUMENTS], or node scripts/run.mjs COMMAND [ARGUMENTS]:\n\n${lines.join('')}`
}

/** As the program declares them for its own reader. */
function optionsOf([, file = '']) {
  const programs = [file, file.replace(/bench\.ts$/, 'main.ts')].map((each) => path.resolve(root, each))
  const found = programs
    .filter((each) => each.endsWith('.ts') && existsSync(each))
    .flatMap((each) => [
      ...readFileSync(each, 'utf8').matchAll(/^\s+'?([a-z][a-z-]*)'?: \{ type: '(string|boolean)'/gm),
    ])
  if (found.length === 0) return ''
  const words = found.map(([, option, type]) => (type === 'string' ? `--${option} …` : `--${option}`))
  return `options: ${[...new Set(words)].join(', ')}\n`
}

/** The environment in which `node` is new enough and `pnpm` is there. */
async function toolchain() {
  const base = {
    // glibc would give each thread memory of its own to keep: a fifth of the stack's under load.
    MALLOC_ARENA_MAX: '2',
    // The sources run as they are: what one process has stripped of types and compiled, the next takes from here.
    NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compiled'),
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const newEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (newEnough && (isInstalled() || hasPnpm())) {
    return { ...base, PATH: `${path.dirname(process.execPath)}${path.delimiter}${base.PATH}` }
  }
  const places = [...(newEnough ? [path.dirname(process.execPath)] : []), ...(await brought(newEnough))]
  return { ...base, PATH: [...places, base.PATH].join(path.delimiter) }
}

function hasPnpm() {
  const { status, stdout } = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8' })
  return status === 0 && Number(stdout.split('.')[0]) >= 11
}

/**
 * The folders of pnpm and of Node 24, brought through npm when they are not there yet. npm compares what it gets with the hashes in
 * scripts/toolchain/package-lock.json, and what was brought once is used without asking anybody.
 */
async function brought(newEnough) {
  const source = path.join(root, 'scripts/toolchain')
  const lock = readFileSync(path.join(source, 'package-lock.json'))
  const folder = path.join(
    root,
    'node_modules/.cache/toolchain',
    createHash('sha256').update(lock).digest('hex'),
  )
  const modules = path.join(folder, 'node_modules')
  const node = path.join(modules, `node-${process.platform}-${process.arch}`, 'bin')
  const places = [...(newEnough ? [] : [node]), path.join(modules, '.bin')]
  const complete = path.join(folder, 'complete')
  if (!existsSync(complete)) {
    say(
      newEnough
        ? 'bringing pnpm through npm, once'
        : `this is Node ${process.versions.node}: bringing Node 24 (30 MB) and pnpm through npm, once`,
    )
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(path.join(source, file), path.join(folder, file))
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1']
    const status = await waitFor('the npm registry', 'npm', ['ci', ...options], { cwd: folder })
    if (status !== 0)
      fail(
        'npm could not bring Node 24 and pnpm: see its message above (a registry or a proxy is set with `npm config`). Installing Node 24.15 or newer yourself is enough too.',
      )
    if (!newEnough && !existsSync(node))
      fail(
        `there is no Node 24 for ${process.platform} on ${process.arch} through npm; install Node 24.15 or newer yourself`,
      )
    writeFileSync(complete, '')
  }
  return places
}

/** Runs a program that may wait for the network, and says so every ten seconds. */
async function waitFor(what, program, words, options) {
  // Some tell their troubles on standard output, which belongs to the command.
  const child = spawn(program, words, { ...options, stdio: ['ignore', 2, 2] })
  const began = Date.now()
  const timer = setInterval(
    () => say(`still waiting for ${what} (${Math.round((Date.now() - began) / 1000)} s)`),
    10_000,
  )
  const status = await new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('exit', (code) => resolve(code ?? 1))
  })
  clearInterval(timer)
  return status
}

/** What is installed is told by the hash of everything that decides it. */
function lockHash() {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml'])
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

async function install(env) {
  if (isInstalled()) return
  say('installing from the lockfile')
  const scope = wantedScope()
  const leanRooms = ['@sigstack/cli...', '@sigstack/programs'].flatMap((room) => ['--filter', room])
  const selection = scope === 'lean' ? ['--prod', ...leanRooms] : []
  const options = ['--frozen-lockfile', '--config.confirmModulesPurge=false', ...selection]
  const status = await waitFor('the npm registry', 'pnpm', ['install', ...options], {
    cwd: root,
    env: { ...env, npm_config_update_notifier: 'false', PNPM_CONFIG_UPDATE_NOTIFIER: 'false' },
  })
  if (status !== 0) fail('the installation failed: see the message of pnpm above')
  mkdirSync(path.dirname(marker()), { recursive: true })
  writeFileSync(marker(), `${scope} ${lockHash()}`)
}

/** Without types to strip and a thousand modules to find the programs start in less than half the time. */
async function bundle(env, aside) {
  const words = [path.join(root, 'scripts/programs/main.ts'), programs]
  const child = spawn('node', words, { cwd: root, env, stdio: aside ? 'ignore' : ['ignore', 2, 2] })
  if (aside) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  const status = await new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('exit', (code) => resolve(code ?? 1))
  })
  if (status === 0) forgetOld(programs)
  else if (!aside) fail('the programs could not be bundled: see the message above')
}

/** The command line of the bundle where there is one. */
function bundled(word) {
  return word === commandLine && existsSync(programs)
    ? ['--enable-source-maps', path.join(programs, 'cli.js')]
    : [word]
}

/**
 * Signals are handed on, and the end of whoever started us too: npm ends at SIGTERM without a word to us, and nobody should be left
 * behind. A signal that the child has from its group already comes twice; it takes the two for one.
 */
async function run(env, { run: [program, ...words], fromCaller = false }) {
  // npm runs scripts in the package's folder and keeps the caller's in this variable.
  const caller = process.env.INIT_CWD ?? process.cwd()
  const all = existsSync(programs) ? { ...env, BUNDLED_PROGRAMS: programs } : env
  const place = fromCaller
    ? { cwd: caller, env: { SIGSTACK_DEFAULT_DATA: path.join(root, '.sigstack'), ...all } }
    : { cwd: root, env: all }
  const child = spawn(program, [...words.flatMap(bundled), ...args], { ...place, stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal))
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 250)
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`)
      resolve([1, null])
    })
    child.on('exit', (...result) => resolve(result))
  })
  clearInterval(watch)
  process.exit(code ?? (signal === 'SIGINT' ? 130 : 143))
}

function say(message) {
  process.stderr.write(`sigstack: ${message}\n`)
}

function fail(message) {
  say(message)
  process.exit(1)
}
