/**
 * The tool in files that Node runs as they are: `main.js`, what is loaded when a command needs it, and the programs of its threads and
 * processes; or in one script, for a single executable.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { joinChunks } from './join-chunks.ts'
import { sourcesPlugin } from './sources.ts'

export const root = path.dirname(path.dirname(import.meta.dirname))
const cli = path.join(root, 'packages/cli/src')

/** What threads and processes of the tool run. */
const programs = ['packages/rekor-log/src/search/key-worker', 'packages/signers/src/pkcs11/host']

/** What is joined into one file each: the start, and the commands that scripts run again and again. */
const joined = {
  core: ['packages/cli/src/start.ts'],
  files: [
    'packages/cli/src/commands/sign-blob.ts',
    'packages/cli/src/commands/verify-blob.ts',
    'packages/cli/src/signing/oidc/sign-in.ts',
  ],
  images: ['packages/cli/src/commands/images/sign.ts', 'packages/cli/src/commands/images/verify.ts'],
  keys: ['packages/cli/src/signing/key-credential.ts', 'packages/signing/src/keys/index.ts'],
}

/** As `packages/cli/src/main.ts`, but for the file that it begins with. */
const mainText = `#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { startCli } from './start.js'
await startCli([process.execPath, fileURLToPath(import.meta.url)])
`

/**
 * Packages of the older kind ask for Node's modules by `require`. Each file has its own, which joined files keep: to make one takes
 * longer than to run most files, and only what lies beside the tool needs it.
 */
const requireText = `let requireHere;const require=name=>process.getBuiltinModule(name)??(requireHere??=process.getBuiltinModule('node:module').createRequire(import.meta.url))(name);`

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

/** Writes them into `folder`, and says what they are made of. */
export async function bundleFiles(folder: string, version: string): Promise<Metafile> {
  const entryPoints = Object.fromEntries(
    programs.map((module) => [programName(module), path.join(root, `${module}.ts`)]),
  )
  const { metafile } = await build({
    ...shared,
    entryPoints: { start: path.join(cli, 'start.ts'), ...entryPoints },
    outdir: folder,
    splitting: true,
    format: 'esm',
    external: ['koffi', 'pg-native'],
    banner: { js: requireText },
    plugins: [
      sourcesPlugin({
        root,
        version,
        leftOut: { 'packages/cli/src/commands/up.ts': up },
        elsewhere: { openpgp: './openpgp/openpgp.js' },
        placeOf: (module) => `new URL('./${programName(module)}.js', import.meta.url)`,
      }),
    ],
  })
  const used = withoutUnused(metafile)
  await joinChunks(root, used.outputs, joined)
  writeFileSync(path.join(folder, 'main.js'), mainText)
  copyOpenpgp(path.join(folder, 'openpgp'))
  demandPrograms(folder)
  return used
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
  cpSync(path.join(from, 'dist/node/openpgp.min.mjs'), path.join(folder, 'openpgp.js'))
  cpSync(path.join(from, 'LICENSE'), path.join(folder, 'LICENSE'))
}

/** A source that begins to look for a file beside itself would find nothing there, and only when it is used. */
function demandPrograms(folder: string): void {
  const known = new Set(programs.map((module) => `./${programName(module)}.js`))
  for (const file of globSync('*.js', { cwd: folder })) {
    const text = readFileSync(path.join(folder, file), 'utf8')
    for (const [, place = ''] of text.matchAll(/new URL\("([^"]*)",\s?import\.meta\.url\)/g))
      if (!known.has(place)) throw new Error(`${file} looks for ${place}, which is not in the bundle`)
  }
}

/** One script of the form that single executables want. */
export async function bundleScript(file: string, version: string): Promise<Metafile> {
  const { metafile } = await build({
    ...shared,
    stdin: {
      contents: `import { startCli } from './start.ts'\nvoid startCli([process.execPath])\n`,
      resolveDir: cli,
      loader: 'ts',
    },
    outfile: file,
    format: 'cjs',
    // Packages of others look beside themselves when they are loaded, for what they then do not need.
    banner: { js: `const executableUrl=require('node:url').pathToFileURL(process.execPath).href;` },
    define: { 'import.meta.url': 'executableUrl' },
    plugins: [
      sourcesPlugin({
        root,
        version,
        leftOut: {
          'packages/cli/src/commands/up.ts': up,
          'packages/cli/src/commands/log/log.ts': log,
          'packages/signers/src/pkcs11/pkcs11.ts': tokensLeftOut,
          'packages/crypto/src/verify-digest/ecdsa-openssl.ts':
            'export const createOpensslBackend = async () => undefined\n',
        },
        elsewhere: {},
        placeOf: () => `(() => { throw new Error('a single executable starts no threads') })()`,
      }),
    ],
  })
  return metafile
}

const tokensLeftOut = `import { SignerError } from '../errors.ts'
export async function connectPkcs11(uri) {
  throw new SignerError('package_missing', uri + ' needs the package koffi, which a single executable cannot load: use the package sigstack')
}
`
