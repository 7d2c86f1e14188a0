/**
 * The tool in parts: what starts it, what is loaded when a command needs it, and the programs of its threads and processes. A package
 * has them as files, a single executable as what it brings along.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { joinChunks } from './join-chunks.ts'
import { demandCode, loaderText, type Store, turnIntoScripts } from './parts.ts'
import { sourcesPlugin } from './sources.ts'

export const root = path.dirname(path.dirname(import.meta.dirname))
const cli = path.join(root, 'packages/cli/src')

/** What threads and processes of the tool run. */
const programs = ['packages/rekor-log/src/search/key-worker', 'packages/signers/src/pkcs11/host']

/** What is joined into one file each: the start, and the commands that scripts run again and again. */
const joined = {
  core: ['packages/cli/src/start.ts'],
  files: ['packages/cli/src/commands/verify-blob.ts'],
  images: ['packages/cli/src/commands/images/verify.ts'],
  signing: [
    'packages/cli/src/commands/sign-blob.ts',
    'packages/cli/src/commands/images/sign.ts',
    'packages/cli/src/signing/oidc/sign-in.ts',
  ],
  keys: ['packages/cli/src/signing/key-credential.ts', 'packages/signing/src/keys/index.ts'],
}

/** Compiled ahead, by what they do when they are run. */
const rehearsed = Object.keys(joined).map((name) => `${name}.js`)

const stackElsewhere = `'It is in the repository and the images of sigstack: docs/operations/running.md.'`
const up = commandLeftOut(
  'up',
  'start the whole stack in this process',
  'the servers and the database are not part of the tool',
  stackElsewhere,
)
const log = commandLeftOut(
  'log',
  'look after a transparency log',
  'a single executable has no threads and no drivers of databases',
  `'The package sigstack has it, run by Node.'`,
)

function commandLeftOut(name: string, summary: string, reason: string, advice: string): string {
  const exported = `add${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const module = JSON.stringify(path.join(cli, 'commands/left-out.ts'))
  return `import { leftOut } from ${module}\nexport const ${exported} = leftOut('${name}', '${summary}', '${reason}', ${advice})\n`
}

const shared = {
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: root,
} satisfies BuildOptions

const tokensLeftOut = `import { SignerError } from '../errors.ts'
export async function connectPkcs11(uri) {
  throw new SignerError('package_missing', uri + ' needs the package koffi, which a single executable cannot load: use the package sigstack')
}
`

/** In place of their modules. */
const leftOut = {
  files: { 'packages/cli/src/commands/up.ts': up },
  assets: {
    'packages/cli/src/commands/up.ts': up,
    'packages/cli/src/commands/log/log.ts': log,
    'packages/signers/src/pkcs11/pkcs11.ts': tokensLeftOut,
    'packages/crypto/src/verify-digest/ecdsa-openssl.ts':
      'export const createOpensslBackend = async () => undefined\n',
  },
} satisfies Record<Store, Readonly<Record<string, string>>>

/** Writes the parts and `main.js`, which runs them, into `folder`, and says what they are made of. */
export async function bundleParts(folder: string, version: string, store: Store): Promise<Metafile> {
  const threads = store === 'files' ? programs : []
  const entryPoints = Object.fromEntries(
    threads.map((module) => [programName(module), path.join(root, `${module}.ts`)]),
  )
  const { metafile } = await build({
    ...shared,
    entryPoints: { start: path.join(cli, 'start.ts'), ...entryPoints },
    outdir: folder,
    splitting: true,
    format: 'esm',
    external: ['koffi', 'pg-native'],
    plugins: [
      sourcesPlugin({
        root,
        version,
        leftOut: leftOut[store],
        elsewhere: store === 'files' ? { openpgp: './openpgp/openpgp.js' } : {},
        placeOf: (module) =>
          store === 'files'
            ? `new URL('./${programName(module)}.js', import.meta.url)`
            : `(() => { throw new Error('a single executable starts no threads') })()`,
      }),
    ],
  })
  const used = withoutUnused(metafile)
  await joinChunks(root, used.outputs, joined)
  await turnIntoScripts(folder)
  if (store === 'files') copyOpenpgp(path.join(folder, 'openpgp'))
  demandPrograms(folder, threads)
  rehearse(folder)
  const self = store === 'files' ? '[process.execPath,__filename]' : '[process.execPath]'
  const main = `${loaderText(store, rehearsed)}void load('start.js').startCli(${self})\n`
  writeFileSync(path.join(folder, 'main.js'), main)
  return used
}

/** Leaves the compiled code beside each part that has any. */
function rehearse(folder: string): void {
  const loader = path.join(folder, 'rehearsal.cjs')
  writeFileSync(loader, `${loaderText('files', [])}module.exports={load,parts}\n`)
  const script = path.join(import.meta.dirname, 'rehearse.ts')
  const { PATH = '', SystemRoot = '', TMPDIR = '', TEMP = '' } = process.env
  const { status, stderr } = spawnSync(process.execPath, [script, folder, ...rehearsed], {
    encoding: 'utf8',
    env: { PATH, SystemRoot, TMPDIR, TEMP },
  })
  if (status !== 0) throw new Error(`the rehearsal failed: ${stderr}`)
  rmSync(loader)
  demandCode(folder, rehearsed)
}

/** What is loaded on demand by a module that itself is not in the bundle is written all the same. */
function withoutUnused({ inputs, outputs }: Metafile): Metafile {
  const used = new Set<string>()
  const visit = (file: string): void => {
    if (used.has(file)) return
    used.add(file)
    for (const { path: next } of outputs[file]?.imports ?? []) visit(next)
  }
  for (const name of ['start', ...programs.map(programName)])
    for (const file of Object.keys(outputs)) if (path.basename(file) === `${name}.js`) visit(file)
  for (const file of Object.keys(outputs)) if (!used.has(file)) rmSync(path.join(root, file))
  const kept = Object.entries(outputs).filter(([file]) => used.has(file))
  return { inputs, outputs: Object.fromEntries(kept) }
}

/** All of them lie in one folder. */
function programName(module: string): string {
  return module.replaceAll('/', '-')
}

/** Under the LGPL: as it comes, a file of its own that can be replaced. */
function copyOpenpgp(folder: string): void {
  const from = path.join(root, 'packages/rekor-entries/node_modules/openpgp')
  mkdirSync(folder, { recursive: true })
  cpSync(path.join(from, 'dist/node/openpgp.min.cjs'), path.join(folder, 'openpgp.js'))
  cpSync(path.join(from, 'LICENSE'), path.join(folder, 'LICENSE'))
}

/** A source that begins to look for a file beside itself would find nothing there, and only when it is used. */
function demandPrograms(folder: string, modules: readonly string[]): void {
  const known = new Set(modules.map((module) => `./${programName(module)}.js`))
  for (const file of globSync('*.js', { cwd: folder })) {
    const text = readFileSync(path.join(folder, file), 'utf8')
    for (const [, place = ''] of text.matchAll(/new URL\("([^"]*)",\s?hereUrl\)/g))
      if (!known.has(place)) throw new Error(`${file} looks for ${place}, which is not in the bundle`)
  }
}
