/** The tool and the Node that runs it in one file, for this platform: Node's own form of single executables. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundleParts, root } from './bundle.ts'
import { licencesOf } from './licences.ts'

/** By this Node finds what it is to run. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Makes `file`, and beside it `file`-LICENCES.txt. */
export async function makeExecutable(file: string, version: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sigstack-tool-'))
  try {
    const parts = path.join(folder, 'parts')
    const made = await bundleParts(parts, version, 'assets')
    const output = path.join(folder, 'main.blob')
    const config = path.join(folder, 'sea.json')
    const files = globSync('*', { cwd: parts }).filter((name) => name !== 'main.js')
    const settings = {
      main: path.join(parts, 'main.js'),
      output,
      disableExperimentalSEAWarning: true,
      assets: Object.fromEntries(files.map((name) => [name, path.join(parts, name)])),
    }
    writeFileSync(config, JSON.stringify(settings))
    run(process.execPath, ['--experimental-sea-config', config])
    copyFileSync(process.execPath, file)
    chmodSync(file, 0o755)
    // A tenth of it; where there is no such program it stays larger.
    if (process.platform === 'linux') spawnSync('strip', ['--strip-unneeded', file])
    run(process.execPath, [
      path.join(root, 'node_modules/postject/dist/cli.js'),
      file,
      'NODE_SEA_BLOB',
      output,
      '--sentinel-fuse',
      fuse,
      ...(process.platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : []),
    ])
    // Changed files keep no signature, and Apple's systems run none without.
    if (process.platform === 'darwin') run('codesign', ['--sign', '-', '--force', file])
    writeFileSync(`${file}-LICENCES.txt`, licencesOf(made, licenceOfNode()))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Node's own names those of all that is in it. */
function licenceOfNode(): string {
  const file = path.resolve(process.execPath, '../../LICENSE')
  const text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : `See https://github.com/nodejs/node/blob/${process.version}/LICENSE\n`
  return `Node ${process.versions.node}\n\n${text}\n${'-'.repeat(80)}\n\n`
}

/** What it says is told where it fails. */
function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`${[command, ...args].join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`)
}
