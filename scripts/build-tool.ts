/**
 * `npm run build-tool`: the tool without the stack, in dist/: the package `sigstack-VERSION.tgz`, and the single executable `sigstack`
 * of this platform. Both are tried before they are told of. `npm pack` calls it with `--files` for what the package holds.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bundleParts, root } from './tool/bundle.ts'
import { makeExecutable } from './tool/executable.ts'
import { licencesOf } from './tool/licences.ts'
import { tryPackage, tryTool } from './tool/try-tool.ts'

const { values } = parseArgs({ options: { files: { type: 'boolean', default: false } } })
const { version, engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly engines: { readonly node: string }
}

/** Each under the name that its shell looks for. */
const completions = [
  ['bash', 'sigstack'],
  ['zsh', '_sigstack'],
  ['fish', 'sigstack.fish'],
] as const

const folder = path.join(root, 'dist/tool')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
await makePackage()
if (!values.files) {
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', 'dist', '--loglevel=error'])
  const tarball = path.join(root, 'dist', `sigstack-${version}.tgz`)
  const executable = path.join(root, 'dist', process.platform === 'win32' ? 'sigstack.exe' : 'sigstack')
  await makeExecutable(executable, version)
  const startMs = { [tarball]: tryPackage(tarball, version), [executable]: tryTool([executable], version) }
  for (const [file, ms] of Object.entries(startMs)) {
    const size = (statSync(file).size / 1e6).toFixed(1)
    process.stderr.write(`${path.relative(root, file)}: ${size} MB, starts in ${ms.toFixed(0)} ms\n`)
  }
}

async function makePackage(): Promise<void> {
  const made = await bundleParts(path.join(folder, 'lib'), version, 'files')
  // Read on its own, out of the package, too.
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  writeFileSync(path.join(folder, 'sigstack.js'), launcher(engines.node), { mode: 0o755 })
  for (const place of ['man/man1', 'completions']) mkdirSync(path.join(folder, place), { recursive: true })
  const tool = path.join(folder, 'sigstack.js')
  run(process.execPath, [tool, 'man', '--folder', path.join(folder, 'man/man1')])
  for (const [shell, file] of completions)
    writeFileSync(path.join(folder, 'completions', file), run(process.execPath, [tool, 'completion', shell]))
  const openpgp = 'openpgp is as it comes, under the LGPL: lib/openpgp. It can be replaced there.\n\n'
  writeFileSync(path.join(folder, 'LICENCES.txt'), licencesOf(made, openpgp))
}

/** In words that every Node of the last years reads. */
function launcher(wanted: string): string {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(wanted) ?? []
  if (major === undefined) throw new Error(`${wanted} is no oldest version of Node`)
  return `#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > ${major} || (major === ${major} && minor >= ${minor})) require('./lib/main.js')
else {
  process.stderr.write(\`Error: sigstack needs Node ${major}.${minor} or newer; this is \${process.versions.node}.\\n\`)
  process.exitCode = 1
}
`
}

/** What it says on standard output. */
function run(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  })
  if (status !== 0) throw new Error(`${command} ${args[0]} ended with status ${status}`)
  return stdout
}
